//! A map of what a decider asks for by name and never lists: a look-up costs the same however many there are.
//!
//! A clone costs as little however many there are: it shares the entries with its original, in shards, and a shard is
//! copied only when one of the two is about to change it. So a state can be stored while it goes on changing.
//!
//! Invariant: nobody can ask for the order that its entries happen to have; it is stored in that order, since whoever
//! reads it back makes another one.

use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::hint::black_box;
use std::marker::PhantomData;
use std::sync::Arc;

use hashbrown::DefaultHashBuilder;
use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use self::shard::Shard;

mod shard;

/// So many that of a million entries a shard has a thousand: what is copied at once stays small.
const SHARDS: usize = 1024;

#[derive(Clone)]
pub struct Index<K, V> {
    /// None until there is an entry.
    shards: Vec<Arc<Shard<K, V>>>,
    entries: usize,
    hasher: DefaultHashBuilder,
}

impl<K, V> Default for Index<K, V> {
    fn default() -> Self {
        Self { shards: Vec::new(), entries: 0, hasher: DefaultHashBuilder::default() }
    }
}

/// The shard is chosen by bits that no table of so few entries looks at.
///
/// Of shards of equal size all would double their tables at about the same entry, and stand half empty after it. So
/// the largest gets twice as many entries as the smallest: of a share u of all hashes, the first u(4 - u)/3 shards.
const fn place(hash: u64) -> usize {
    const ALL: usize = 1 << 16;
    let share = (hash >> 40) as usize % ALL;
    SHARDS * share * (4 * ALL - share) / (3 * ALL * ALL)
}

impl<K: Eq + Hash, V> Index<K, V> {
    fn entry(&self, key: &K) -> Option<&(K, V)> {
        let hash = self.hasher.hash_one(key);
        self.shards.get(place(hash))?.entry(hash, key)
    }

    pub fn get(&self, key: &K) -> Option<&V> {
        self.entry(key).map(|(_, value)| value)
    }

    /// Reads what `get` will read of each key, one step for all of them and then the next: so the processor waits for
    /// the memory of many keys at once, and hardly any more when they are asked for one by one. What it finds need not
    /// be the keys' own.
    pub fn look_at<'a>(&'a self, keys: impl IntoIterator<Item = &'a K>) -> Vec<&'a V> {
        let shard = |key| {
            let hash = self.hasher.hash_one(key);
            Some((self.shards.get(place(hash))?, hash))
        };
        let shards = keys.into_iter().filter_map(shard);
        let likely: Vec<_> = shards.filter_map(|(shard, hash)| shard.likely(hash)).collect();
        for (key, _) in &likely {
            black_box(self.hasher.hash_one(key));
        }
        likely.into_iter().map(|(_, value)| value).collect()
    }

    pub fn contains_key(&self, key: &K) -> bool {
        self.entry(key).is_some()
    }

    pub const fn is_empty(&self) -> bool {
        self.entries == 0
    }

    pub(crate) const fn len(&self) -> usize {
        self.entries
    }

    /// How many are such.
    pub fn count(&self, is_such: impl Fn(&V) -> bool) -> usize {
        self.iter().filter(|(_, value)| is_such(value)).count()
    }

    /// In no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.shards.iter().flat_map(|shard| shard.iter()).map(|(key, value)| (key, value))
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Index<K, V> {
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let hash = self.hasher.hash_one(key);
        Arc::make_mut(self.shards.get_mut(place(hash))?).get_mut(hash, key)
    }

    /// Says what stood there before.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let mut value = Some(value);
        let place = self.get_or_insert_with(key, || value.take().expect("it is asked for once"));
        value.map(|value| std::mem::replace(place, value))
    }

    pub fn get_or_insert_with(&mut self, key: K, value: impl FnOnce() -> V) -> &mut V {
        let Self { shards, entries, hasher } = self;
        if shards.is_empty() {
            *shards = vec![Arc::default(); SHARDS];
        }
        let hash = hasher.hash_one(&key);
        let shard = Arc::make_mut(&mut shards[place(hash)]);
        let counted = || {
            *entries += 1;
            value()
        };
        shard.get_or_insert_with(hash, key, counted, hasher)
    }

    pub fn remove(&mut self, key: &K) -> Option<V> {
        let hash = self.hasher.hash_one(key);
        let shard = Arc::make_mut(self.shards.get_mut(place(hash))?);
        let value = shard.remove(hash, key, &self.hasher)?;
        self.entries -= 1;
        Some(value)
    }

    /// The key as it stands here already, so that equal ids that are long share one allocation.
    pub fn shared(&self, key: &K) -> K {
        self.entry(key).map_or(key, |(known, _)| known).clone()
    }

    pub(crate) fn retain(&mut self, is_kept: impl Fn(&V) -> bool) {
        for shard in &mut self.shards {
            if shard.iter().any(|(_, value)| !is_kept(value)) {
                Arc::make_mut(shard).retain(&is_kept, &self.hasher);
            }
        }
        self.entries = self.shards.iter().map(|shard| shard.len()).sum();
    }
}

impl<K: Eq + Hash, V: PartialEq> PartialEq for Index<K, V> {
    fn eq(&self, other: &Self) -> bool {
        let is_there = |(key, value)| other.get(key) == Some(value);
        self.len() == other.len() && self.iter().all(is_there)
    }
}

impl<K: Eq + Hash, V: Eq> Eq for Index<K, V> {}

impl<K: Eq + Hash + fmt::Debug, V: fmt::Debug> fmt::Debug for Index<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K: Eq + Hash + Serialize, V: Serialize> Serialize for Index<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (key, value) in self.iter() {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<'de, K, V> Deserialize<'de> for Index<K, V>
where
    K: Deserialize<'de> + Eq + Hash + Clone,
    V: Deserialize<'de> + Clone,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

/// Reads the entries of an index.
struct Entries<K, V>(PhantomData<(K, V)>);

impl<'de, K, V> Visitor<'de> for Entries<K, V>
where
    K: Deserialize<'de> + Eq + Hash + Clone,
    V: Deserialize<'de> + Clone,
{
    type Value = Index<K, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Index<K, V>, A::Error> {
        let mut index = Index::default();
        while let Some((key, value)) = map.next_entry()? {
            index.insert(key, value);
        }
        Ok(index)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Insert(u8, u32),
        Change(u8, u32),
        Remove(u8),
        Retain(u32),
        Freeze,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (any::<u8>(), any::<u32>()).prop_map(|(key, value)| Step::Insert(key, value)),
            (any::<u8>(), any::<u32>()).prop_map(|(key, value)| Step::Change(key, value)),
            any::<u8>().prop_map(Step::Remove),
            any::<u32>().prop_map(Step::Retain),
            Just(Step::Freeze),
        ]
    }

    #[test]
    fn the_largest_shard_gets_twice_what_the_smallest_gets() {
        let mut sizes = [0; SHARDS];
        for share in 0..1 << 16 {
            sizes[place(share << 40)] += 1;
        }
        assert_eq!((sizes.iter().min(), sizes.iter().max()), (Some(&48), Some(&96)));
    }

    proptest! {
        #[test]
        fn an_index_is_a_map_and_its_clones_do_not_change_with_it(
            steps in proptest::collection::vec(step(), 0..200),
        ) {
            let mut index = Index::default();
            let mut map = BTreeMap::new();
            let mut frozen = Vec::new();
            for step in steps {
                match step {
                    Step::Insert(key, value) => {
                        prop_assert_eq!(index.insert(key, value), map.insert(key, value));
                    }
                    Step::Change(key, value) => {
                        *index.get_or_insert_with(key, || value) ^= 1;
                        *map.entry(key).or_insert(value) ^= 1;
                    }
                    Step::Remove(key) => prop_assert_eq!(index.remove(&key), map.remove(&key)),
                    Step::Retain(most) => {
                        index.retain(|value| *value <= most);
                        map.retain(|_, value| *value <= most);
                    }
                    Step::Freeze => frozen.push((index.clone(), map.clone())),
                }
                prop_assert_eq!(index.len(), map.len());
            }
            frozen.push((index, map));
            for (index, map) in frozen {
                let found = index.look_at(map.keys());
                prop_assert_eq!(found.len(), map.len(), "each key, or another in its place, is read");
                prop_assert!(found.iter().all(|value| map.values().any(|known| known == *value)));
                prop_assert!(index.look_at(&(0..=u8::MAX).collect::<Vec<_>>()).len() >= map.len());
                let written = serde_json::to_string(&index).expect("JSON");
                prop_assert_eq!(&serde_json::from_str::<BTreeMap<u8, u32>>(&written).expect("a map"), &map);
                prop_assert!(serde_json::from_str::<Index<u8, u32>>(&written).expect("an index") == index);
            }
        }
    }
}
