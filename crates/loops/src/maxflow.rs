//! Maximum flow by Dinic's method: shortest augmenting paths, a whole layer at a time, without
//! recursion.
//!
//! Invariant: arcs stand in pairs, an arc and its reverse; together they have the capacity that was
//! given.

use std::collections::VecDeque;

#[derive(Debug, Clone)]
struct Arc {
    to: usize,
    /// The capacity that is still free.
    room: i128,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Network {
    /// Arc `a` and its reverse `a ^ 1`.
    arcs: Vec<Arc>,
    leaving: Vec<Vec<usize>>,
}

const UNREACHED: usize = usize::MAX;

impl Network {
    pub(crate) fn node(&mut self) -> usize {
        self.leaving.push(Vec::new());
        self.leaving.len() - 1
    }

    pub(crate) fn arc(&mut self, from: usize, to: usize, capacity: i128) {
        if let Some(&newest) = self.leaving[from].last()
            && self.arcs[newest].to == to
        {
            self.arcs[newest].room += capacity;
            return;
        }
        self.leaving[from].push(self.arcs.len());
        self.arcs.push(Arc { to, room: capacity });
        self.leaving[to].push(self.arcs.len());
        self.arcs.push(Arc { to: from, room: 0 });
    }

    /// Uses up the network's room.
    pub(crate) fn max_flow(&mut self, source: usize, sink: usize) -> i128 {
        let mut total = 0;
        loop {
            let levels = self.levels(source);
            if levels[sink] == UNREACHED {
                return total;
            }
            total += self.fill_layers(&levels, source, sink);
        }
    }

    /// Distances from the source over arcs with room.
    fn levels(&self, source: usize) -> Vec<usize> {
        let mut levels = vec![UNREACHED; self.leaving.len()];
        levels[source] = 0;
        let mut queue = VecDeque::from([source]);
        while let Some(node) = queue.pop_front() {
            for &arc in &self.leaving[node] {
                let Arc { to, room } = self.arcs[arc];
                if room > 0 && levels[to] == UNREACHED {
                    levels[to] = levels[node] + 1;
                    queue.push_back(to);
                }
            }
        }
        levels
    }

    /// Sends flow along paths that go one level further with every arc, until there is no such
    /// path.
    fn fill_layers(&mut self, levels: &[usize], source: usize, sink: usize) -> i128 {
        let mut next = vec![0; self.leaving.len()];
        let mut path: Vec<usize> = Vec::new();
        let mut total = 0;
        loop {
            let node = path.last().map_or(source, |arc| self.arcs[*arc].to);
            if node == sink {
                total += self.push_along(&mut path);
            } else if let Some(arc) = self.advance(node, &mut next[node], levels) {
                path.push(arc);
            } else if let Some(dead_end) = path.pop() {
                next[self.arcs[dead_end ^ 1].to] += 1;
            } else {
                return total;
            }
        }
    }

    /// The next arc of the node that has room and leads one level on.
    fn advance(&self, node: usize, next: &mut usize, levels: &[usize]) -> Option<usize> {
        while let Some(&arc) = self.leaving[node].get(*next) {
            let Arc { to, room } = self.arcs[arc];
            if room > 0 && levels[to] == levels[node] + 1 {
                return Some(arc);
            }
            *next += 1;
        }
        None
    }

    /// Fills the path up and cuts it back to before its first arc without room.
    fn push_along(&mut self, path: &mut Vec<usize>) -> i128 {
        let amount = path.iter().map(|arc| self.arcs[*arc].room).min().unwrap_or_default();
        for arc in path.iter() {
            self.arcs[*arc].room -= amount;
            self.arcs[*arc ^ 1].room += amount;
        }
        let full = path.iter().position(|arc| self.arcs[*arc].room == 0);
        path.truncate(full.unwrap_or_default());
        amount
    }
}

#[cfg(test)]
mod tests;
