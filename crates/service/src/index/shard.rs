//! The entries of one shard of an index, one after the other, and a table of where they stand.
//!
//! A hash table is up to half empty at times. Here it is one of small numbers, while the entries have no gaps: a million
//! vouchers with a lock each, which are in two indexes, took 10 bytes each less for it.
//!
//! Invariant: each entry's place stands in the table once, under the hash of its key.

use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};

#[derive(Clone)]
pub(super) struct Shard<K, V> {
    entries: Vec<(K, V)>,
    places: HashTable<u32>,
}

impl<K, V> Default for Shard<K, V> {
    fn default() -> Self {
        Self { entries: Vec::new(), places: HashTable::new() }
    }
}

impl<K, V> Shard<K, V> {
    pub(super) const fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(K, V)> {
        self.entries.iter()
    }
}

impl<K: Eq + Hash, V> Shard<K, V> {
    fn place(&self, hash: u64, key: &K) -> Option<usize> {
        let place = self.places.find(hash, |place| self.entries[*place as usize].0 == *key);
        place.map(|place| *place as usize)
    }

    pub(super) fn entry(&self, hash: u64, key: &K) -> Option<&(K, V)> {
        self.place(hash, key).map(|place| &self.entries[place])
    }

    /// The entry of a key that has this hash or one like it.
    pub(super) fn likely(&self, hash: u64) -> Option<&(K, V)> {
        let place = self.places.find(hash, |_| true)?;
        self.entries.get(*place as usize)
    }

    pub(super) fn get_mut(&mut self, hash: u64, key: &K) -> Option<&mut V> {
        self.place(hash, key).map(|place| &mut self.entries[place].1)
    }

    pub(super) fn get_or_insert_with(
        &mut self,
        hash: u64,
        key: K,
        value: impl FnOnce() -> V,
        hasher: &DefaultHashBuilder,
    ) -> &mut V {
        let place = self.place(hash, &key).unwrap_or_else(|| {
            // By an eighth, since what is kept free is not used.
            if self.entries.len() == self.entries.capacity() {
                self.entries.reserve_exact(self.entries.len() / 8 + 4);
            }
            self.entries.push((key, value()));
            self.take_in(hash, self.entries.len() - 1, hasher);
            self.entries.len() - 1
        });
        &mut self.entries[place].1
    }

    fn take_in(&mut self, hash: u64, place: usize, hasher: &DefaultHashBuilder) {
        let Self { entries, places } = self;
        let place = u32::try_from(place).expect("a shard's entries can be counted");
        let hash_of = |place: &u32| hasher.hash_one(&entries[*place as usize].0);
        places.insert_unique(hash, place, hash_of);
    }

    /// The last entry takes the place of the one that goes.
    pub(super) fn remove(&mut self, hash: u64, key: &K, hasher: &DefaultHashBuilder) -> Option<V> {
        let Self { entries, places } = self;
        let is_this = |place: &u32| entries[*place as usize].0 == *key;
        let (gone, _) = places.find_entry(hash, is_this).ok()?.remove();
        let last = entries.len() - 1;
        if gone as usize != last {
            let hash = hasher.hash_one(&entries[last].0);
            let moved = places.find_mut(hash, |place| *place as usize == last);
            *moved.expect("each entry's place stands in the table") = gone;
        }
        Some(entries.swap_remove(gone as usize).1)
    }

    pub(super) fn retain(&mut self, is_kept: impl Fn(&V) -> bool, hasher: &DefaultHashBuilder) {
        self.entries.retain(|(_, value)| is_kept(value));
        self.places.clear();
        for place in 0..self.entries.len() {
            self.take_in(hasher.hash_one(&self.entries[place].0), place, hasher);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_shard_is_a_map(steps in proptest::collection::vec((0..12u8, 0..32u8, any::<u32>()), 0..300)) {
            let hasher = DefaultHashBuilder::default();
            let (mut shard, mut map) = (Shard::default(), BTreeMap::new());
            for (step, key, number) in steps {
                let hash = hasher.hash_one(key);
                match step {
                    0..8 => {
                        *shard.get_or_insert_with(hash, key, || number, &hasher) ^= 1;
                        *map.entry(key).or_insert(number) ^= 1;
                    }
                    8..11 => prop_assert_eq!(shard.remove(hash, &key, &hasher), map.remove(&key)),
                    _ => {
                        shard.retain(|value| *value <= number, &hasher);
                        map.retain(|_, value| *value <= number);
                    }
                }
                prop_assert_eq!(shard.len(), map.len());
                for key in 0..32 {
                    let hash = hasher.hash_one(key);
                    prop_assert_eq!(shard.get_mut(hash, &key).copied(), map.get(&key).copied());
                }
            }
        }
    }
}
