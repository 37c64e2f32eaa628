//! A bounded map that forgets what was not used for longest, in two
//! generations: constant time, no timestamps, no list.

use std::borrow::Borrow;
use std::hash::Hash;

use hashbrown::HashMap;

/// A map of at most `2 * half` entries. When the young half is full the old
/// half is dropped; an entry that is read in the old half moves to the young.
#[derive(Debug)]
pub struct Generations<K, V> {
    half: usize,
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    evicted: u64,
}

impl<K: Hash + Eq, V: Clone> Generations<K, V> {
    /// A map of at most `2 * half` entries.
    pub fn new(half: usize) -> Self {
        Self {
            half: half.max(1),
            young: HashMap::new(),
            old: HashMap::new(),
            evicted: 0,
        }
    }

    /// The value of a key.
    pub fn get<Q>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        if let Some(value) = self.young.get(key) {
            return Some(value.clone());
        }
        let (key, value) = self.old.remove_entry(key)?;
        let found = value.clone();
        self.place(key, value);
        Some(found)
    }

    /// Sets the value of a key.
    pub fn insert(&mut self, key: K, value: V) {
        self.old.remove(&key);
        self.place(key, value);
    }

    /// Forgets a key.
    pub fn remove<Q>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.young.remove(key);
        self.old.remove(key);
    }

    /// How many entries it holds.
    pub fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many entries were dropped for want of room since the last call.
    pub fn take_evicted(&mut self) -> u64 {
        std::mem::take(&mut self.evicted)
    }

    fn place(&mut self, key: K, value: V) {
        if self.young.len() >= self.half && !self.young.contains_key(&key) {
            self.evicted += self.old.len() as u64;
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_grows_beyond_its_bound_and_counts_what_it_drops() {
        let mut map = Generations::new(10);
        let mut evicted = 0;
        for n in 0..1_000 {
            map.insert(n, n);
            evicted += map.take_evicted();
            assert!(map.len() <= 20);
        }
        assert_eq!(evicted + map.len() as u64, 1_000);
    }

    #[test]
    fn what_is_read_stays() {
        let mut map = Generations::new(10);
        map.insert(0, "kept");
        for n in 1..1_000 {
            map.insert(n, "passing");
            assert_eq!(map.get(&0), Some("kept"), "after {n}");
        }
    }

    #[test]
    fn a_new_value_replaces_the_old_generation_too() {
        let mut map = Generations::new(1);
        map.insert("a", 1);
        map.insert("b", 2);
        map.insert("a", 3);
        assert_eq!(map.get("a"), Some(3));
        map.remove("a");
        assert_eq!(map.get("a"), None);
    }
}
