//! Interned names: a small number for every id, so that graphs compare and index numbers instead of
//! text.
//!
//! Invariant: a number, once given, stands for the same name as long as the table lives.

use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    numbers: BTreeMap<Arc<str>, u32>,
    names: Vec<Arc<str>>,
}

impl Names {
    pub(crate) fn intern(&mut self, name: &str) -> u32 {
        if let Some(number) = self.number(name) {
            return number;
        }
        let number = u32::try_from(self.names.len()).expect("memory ends before 2^32 names do");
        let shared: Arc<str> = name.into();
        self.names.push(Arc::clone(&shared));
        self.numbers.insert(shared, number);
        number
    }

    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        self.numbers.get(name).copied()
    }

    pub(crate) fn name(&self, number: u32) -> &str {
        &self.names[number as usize]
    }

    /// The numbers in the alphabetical order of their names.
    pub(crate) fn in_order(&self) -> impl Iterator<Item = u32> + '_ {
        self.numbers.values().copied()
    }
}
