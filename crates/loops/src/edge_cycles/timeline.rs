//! Edges in their order, indexed by the parties that they leave and reach.
//!
//! Invariant: an edge is named by its rank, its place in the order. Every list of ranks ascends,
//! and none has an edge from a party to itself.

use super::DatedEdge;

/// No edge; greater than every rank.
pub(super) const NONE: u32 = u32::MAX;

/// For every party a list of ranks.
#[derive(Debug, Default)]
pub(super) struct Lists {
    starts: Vec<u32>,
    ranks: Vec<u32>,
}

impl Lists {
    /// Puts every rank into the list of its party.
    fn of(parties: usize, party_of: &[u32]) -> Self {
        let mut starts = vec![0_u32; parties + 1];
        for &party in party_of {
            starts[party as usize + 1] += 1;
        }
        for party in 0..parties {
            starts[party + 1] += starts[party];
        }
        let mut next = starts.clone();
        let mut ranks = vec![0; party_of.len()];
        for (&party, rank) in party_of.iter().zip(0..) {
            let place = &mut next[party as usize];
            ranks[*place as usize] = rank;
            *place += 1;
        }
        Self { starts, ranks }
    }

    pub(super) fn of_party(&self, party: u32) -> &[u32] {
        let party = party as usize;
        &self.ranks[self.starts[party] as usize..self.starts[party + 1] as usize]
    }

    /// Those of a party from one rank on and before another one.
    pub(super) fn between(&self, party: u32, first: u32, end: u32) -> &[u32] {
        let ranks = self.of_party(party);
        let ranks = &ranks[ranks.partition_point(|rank| *rank < first)..];
        &ranks[..ranks.partition_point(|rank| *rank < end)]
    }
}

#[derive(Debug, Default)]
pub(super) struct Timeline {
    pub(super) parties: usize,
    pub(super) from: Vec<u32>,
    pub(super) to: Vec<u32>,
    pub(super) time: Vec<i128>,
    /// The place in the list that was given.
    pub(super) place: Vec<u32>,
    pub(super) leaving: Lists,
    pub(super) reaching: Lists,
    /// The edges before and after of the same two parties in the same direction.
    pub(super) earlier: Vec<u32>,
    pub(super) later: Vec<u32>,
}

impl Timeline {
    pub(super) fn of(edges: &[DatedEdge]) -> Self {
        let mut places: Vec<u32> = (0..).take(edges.len()).collect();
        places.retain(|place| edges[*place as usize].from != edges[*place as usize].to);
        places.sort_by_key(|place| edges[*place as usize].time);
        let edge = |place: &u32| edges[*place as usize];
        Self {
            from: places.iter().map(|place| edge(place).from).collect(),
            to: places.iter().map(|place| edge(place).to).collect(),
            time: places.iter().map(|place| edge(place).time).collect(),
            place: places,
            ..Self::default()
        }
        .indexed()
    }

    pub(super) fn edges(&self) -> usize {
        self.from.len()
    }

    /// These edges alone.
    pub(super) fn keep(self, wanted: &[bool]) -> Self {
        fn kept<T>(column: Vec<T>, wanted: &[bool]) -> Vec<T> {
            column.into_iter().zip(wanted).filter_map(|(cell, keep)| keep.then_some(cell)).collect()
        }
        Self {
            from: kept(self.from, wanted),
            to: kept(self.to, wanted),
            time: kept(self.time, wanted),
            place: kept(self.place, wanted),
            ..Self::default()
        }
        .indexed()
    }

    fn indexed(mut self) -> Self {
        let greatest = self.from.iter().chain(&self.to).max();
        self.parties = greatest.map_or(0, |greatest| *greatest as usize + 1);
        self.leaving = Lists::of(self.parties, &self.from);
        self.reaching = Lists::of(self.parties, &self.to);
        self.earlier = vec![NONE; self.edges()];
        self.later = vec![NONE; self.edges()];
        let mut latest = vec![NONE; self.parties];
        for payer in (0..).take(self.parties) {
            let leaving = self.leaving.of_party(payer);
            for &rank in leaving {
                let before = std::mem::replace(&mut latest[self.to[rank as usize] as usize], rank);
                self.earlier[rank as usize] = before;
                if before != NONE {
                    self.later[before as usize] = rank;
                }
            }
            for &rank in leaving {
                latest[self.to[rank as usize] as usize] = NONE;
            }
        }
        self
    }

    /// The first edge that is at most the window older than this one.
    pub(super) fn window_start(&self, rank: u32, window: Option<i128>) -> u32 {
        let Some(window) = window else { return 0 };
        let oldest = self.time[rank as usize].saturating_sub(window);
        let before = self.time[..rank as usize].partition_point(|time| *time < oldest);
        u32::try_from(before).expect("there are less than 2^32 edges")
    }
}
