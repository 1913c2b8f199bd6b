//! A map of what a decider asks for by name and never lists: a look-up costs the same however many there are.
//!
//! Invariant: nobody sees the order that its entries happen to have; it is stored in the order of its keys.

use std::hash::Hash;

use serde::{Deserialize, Serialize, Serializer};

#[expect(clippy::disallowed_types, reason = "its entries are sorted before they are stored")]
type Map<K, V> = std::collections::HashMap<K, V>;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
#[serde(bound(deserialize = "K: Deserialize<'de> + Eq + Hash, V: Deserialize<'de>"))]
pub struct Index<K: Eq + Hash, V>(Map<K, V>);

impl<K: Eq + Hash, V> Default for Index<K, V> {
    fn default() -> Self {
        Self(Map::default())
    }
}

impl<K: Eq + Hash + Clone, V> Index<K, V> {
    pub fn get(&self, key: &K) -> Option<&V> {
        self.0.get(key)
    }

    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.0.get_mut(key)
    }

    pub fn contains_key(&self, key: &K) -> bool {
        self.0.contains_key(key)
    }

    /// Says what stood there before.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.0.insert(key, value)
    }

    pub fn remove(&mut self, key: &K) -> Option<V> {
        self.0.remove(key)
    }

    pub fn get_or_insert_with(&mut self, key: K, value: impl FnOnce() -> V) -> &mut V {
        self.0.entry(key).or_insert_with(value)
    }

    /// The key as it stands here already, so that equal ids share one allocation.
    pub fn shared(&self, key: &K) -> K {
        self.0.get_key_value(key).map_or(key, |(known, _)| known).clone()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many are such.
    pub fn count(&self, is_such: impl Fn(&V) -> bool) -> usize {
        self.0.values().filter(|value| is_such(value)).count()
    }
}

impl<K: Eq + Hash + Ord + Serialize, V: Serialize> Serialize for Index<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut entries: Vec<(&K, &V)> = self.0.iter().collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        serializer.collect_map(entries)
    }
}
