//! A market of any size from a seed: loops of every kind whose amounts are known by construction,
//! look-alikes that are none, and a crowd whose money never goes round.
//!
//! Invariants: the same seed and size give the same market; days of effect are whole days, and
//! flows stand in the order in which they were recorded. Money of the crowd reaches the roots of
//! planted loops and no other party of theirs.

/// What a flow is, by the name that it has everywhere.
pub type Kind = &'static str;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarketFlow {
    pub from: u32,
    pub to: u32,
    pub kind: Kind,
    /// Whose invoice a voucher payment pays.
    pub buyer: Option<u32>,
    /// Minor units.
    pub amount: i128,
    pub currency: &'static str,
    /// The day on which it took effect.
    pub day: i64,
}

/// A loop that is in the market.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planted {
    pub parties: Vec<u32>,
    pub kind: Kind,
    pub capital_out: i128,
    pub lower: i128,
    pub fifo: i128,
    /// A fraction.
    pub pro_rata: (i128, i128),
    pub upper: i128,
    pub voucher: i128,
    pub first_capital: i64,
    pub closed: i64,
    pub last_return: i64,
}

#[derive(Debug, Default)]
pub struct Market {
    pub parties: u32,
    pub flows: Vec<MarketFlow>,
    pub planted: Vec<Planted>,
    /// How many parties' dealings look like a loop and are none.
    pub look_alikes: usize,
}

/// A party to a pattern: its own parties are `0..`, where 0 is the root.
const OUTSIDE: u32 = 90;
const GOVERNMENT: u32 = 0;

type Step = (u32, u32, Kind, i128);

/// Dealings in their order, a few days apart, and the loop that they make.
struct Pattern {
    steps: &'static [Step],
    path: &'static [u32],
    kind: Kind,
    /// Which step closes the loop.
    closes: usize,
    lower: i128,
    fifo: i128,
    pro_rata: (i128, i128),
    upper: i128,
    voucher: i128,
    rounds: u32,
}

const ONCE: Pattern = Pattern {
    steps: &[],
    path: &[],
    kind: "",
    closes: 0,
    lower: 0,
    fifo: 0,
    pro_rata: (0, 1),
    upper: 0,
    voucher: 0,
    rounds: 1,
};
const PUT_IN: Kind = "contribution";
const INVEST: Kind = "investment";
const PAY: Kind = "compute_payment";
const MOVE: Kind = "transfer";

const LOOPS: [Pattern; 9] = [
    Pattern {
        steps: &[(0, 1, INVEST, 100), (1, 0, PAY, 80)],
        path: &[0, 1],
        kind: "direct",
        closes: 1,
        lower: 80,
        fifo: 80,
        pro_rata: (80, 1),
        upper: 80,
        voucher: 20,
        ..ONCE
    },
    Pattern {
        steps: &[
            (OUTSIDE, 1, PUT_IN, 100),
            (0, 1, PUT_IN, 100),
            (1, 2, INVEST, 100),
            (OUTSIDE, 2, MOVE, 50),
            (OUTSIDE, 2, MOVE, 30),
            (2, 0, PAY, 120),
        ],
        path: &[0, 1, 2],
        kind: "fund",
        closes: 5,
        pro_rata: (100, 3),
        upper: 100,
        ..ONCE
    },
    Pattern {
        steps: &[
            (OUTSIDE, 1, PUT_IN, 100),
            (0, 1, PUT_IN, 100),
            (1, 2, INVEST, 200),
            (2, 0, PAY, 150),
        ],
        path: &[0, 1, 2],
        kind: "fund",
        closes: 3,
        lower: 50,
        fifo: 50,
        pro_rata: (75, 1),
        upper: 100,
        voucher: 45,
        ..ONCE
    },
    Pattern {
        steps: &[
            (0, 1, PUT_IN, 100),
            (1, 2, PUT_IN, 60),
            (OUTSIDE, 2, PUT_IN, 40),
            (2, 3, INVEST, 100),
            (3, 0, PAY, 70),
        ],
        path: &[0, 1, 2, 3],
        kind: "fund_of_funds",
        closes: 4,
        lower: 30,
        fifo: 60,
        pro_rata: (42, 1),
        upper: 60,
        voucher: 7,
        ..ONCE
    },
    Pattern {
        steps: &[
            (0, 1, PUT_IN, 100),
            (1, 2, PUT_IN, 60),
            (OUTSIDE, 2, PUT_IN, 40),
            (2, 3, INVEST, 100),
            (3, 4, PAY, 90),
            (4, 0, PAY, 70),
        ],
        path: &[0, 1, 2, 3, 4],
        kind: "resale",
        closes: 5,
        lower: 30,
        fifo: 60,
        pro_rata: (42, 1),
        upper: 60,
        ..ONCE
    },
    Pattern {
        steps: &[(0, 1, INVEST, 100), (1, 2, PAY, 90), (2, 0, PAY, 85)],
        path: &[0, 1, 2],
        kind: "resale",
        closes: 2,
        lower: 85,
        fifo: 85,
        pro_rata: (85, 1),
        upper: 85,
        voucher: 11,
        ..ONCE
    },
    Pattern {
        steps: &[
            (0, 1, INVEST, 100),
            (1, OUTSIDE, MOVE, 50),
            (OUTSIDE, 1, MOVE, 50),
            (1, 0, PAY, 100),
        ],
        path: &[0, 1],
        kind: "direct",
        closes: 3,
        lower: 50,
        fifo: 50,
        pro_rata: (50, 1),
        upper: 50,
        ..ONCE
    },
    Pattern {
        steps: &[(0, 1, PUT_IN, 100), (1, 2, INVEST, 100), (2, 0, PAY, 90)],
        path: &[0, 1, 2],
        kind: "fund",
        closes: 2,
        lower: 90,
        fifo: 90,
        pro_rata: (90, 1),
        upper: 90,
        voucher: 5,
        rounds: 24,
    },
    Pattern {
        steps: &[(0, 1, INVEST, 100), (1, 0, "refund", 40), (1, 0, PAY, 100)],
        path: &[0, 1],
        kind: "direct",
        closes: 2,
        lower: 60,
        fifo: 60,
        pro_rata: (60, 1),
        upper: 60,
        ..ONCE
    },
];

/// Dealings that are no loop.
const LOOK_ALIKES: [&[Step]; 6] = [
    &[(1, 0, PAY, 80), (0, 1, INVEST, 100)],
    &[(1, 2, INVEST, 60), (0, 1, PUT_IN, 100), (2, 0, PAY, 50)],
    &[(0, 1, INVEST, 100), (1, 0, MOVE, 80), (1, 0, "refund", 5), (1, 0, "distribution", 9)],
    &[(0, 1, MOVE, 100), (1, 0, PAY, 80)],
    &[(0, 1, INVEST, 100), (1, 2, PAY, 90), (2, 3, INVEST, 80), (3, 0, PAY, 70)],
    &[(0, 1, PUT_IN, 100), (1, 2, INVEST, 90), (OUTSIDE, 0, PAY, 80), (2, 3, PAY, 70)],
];
const TWO_LEGS: &[Step] = &[(0, 1, INVEST, 100), (1, 0, PAY, 80)];

/// Longer than money may be away.
const TOO_LONG: i64 = 731;

struct Builder {
    random: u64,
    /// Each with what it is recorded by.
    flows: Vec<(u64, MarketFlow)>,
    next_party: u32,
    roots: Vec<u32>,
    market: Market,
}

impl Market {
    /// With about so many flows between so many parties, 100 at the least.
    pub fn generate(seed: u64, parties: u32, flows: usize) -> Self {
        let mut builder = Builder {
            random: seed,
            flows: Vec::with_capacity(flows),
            next_party: 1,
            roots: Vec::new(),
            market: Self { parties, ..Self::default() },
        };
        let in_patterns = parties / 2;
        for number in 0.. {
            if builder.next_party + 8 > in_patterns {
                break;
            }
            if number % 3 == 2 {
                builder.look_alike(number / 3);
            } else {
                let pattern = &LOOPS[(number - number / 3) % LOOPS.len()];
                builder.plant(pattern);
            }
        }
        while builder.flows.len() < flows {
            builder.crowd();
        }
        builder.flows.sort_by_key(|(recorded, _)| *recorded);
        let flows = builder.flows.into_iter().map(|(_, flow)| flow).collect();
        Self { flows, ..builder.market }
    }
}

impl Builder {
    /// A whole number below this, by splitmix64.
    fn below(&mut self, bound: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn day(&mut self) -> i64 {
        18_000 + self.below(700).cast_signed()
    }

    /// Most facts are recorded soon, one in eight much later.
    fn record(&mut self, flow: MarketFlow) {
        let late = if self.below(8) == 0 { self.below(400) } else { self.below(3) };
        let recorded = (flow.day.unsigned_abs() + late) << 32 | self.below(1 << 32);
        self.flows.push((recorded, flow));
    }

    fn parties(&mut self, steps: &[Step]) -> u32 {
        let named = steps.iter().flat_map(|step| [step.0, step.1]);
        let first = self.next_party;
        self.next_party += named.filter(|party| *party != OUTSIDE).max().map_or(0, |most| most + 1);
        first
    }

    /// Somebody who is in no other dealing.
    fn party(&mut self, first: u32, named: u32) -> u32 {
        if named == OUTSIDE { self.crowd_member(0) } else { first + named }
    }

    fn scale(&mut self) -> i128 {
        i128::from(self.below(10_000_000) + 1)
    }

    fn plant(&mut self, pattern: &Pattern) {
        let first = self.parties(pattern.steps);
        let (unit, start) = (self.scale(), self.day());
        let mut day = start;
        let mut days = Vec::new();
        for _ in 0..pattern.rounds {
            for &(from, to, kind, amount) in pattern.steps {
                day += 1 + self.below(9).cast_signed();
                days.push((from, day));
                let (from, to) = (self.party(first, from), self.party(first, to));
                let amount = amount * unit;
                let currency = "CNY";
                self.record(MarketFlow { from, to, kind, buyer: None, amount, currency, day });
            }
        }
        let party = |named: &u32| first + named;
        let parties: Vec<u32> = pattern.path.iter().map(party).collect();
        let (root, last) = (parties[0], parties[parties.len() - 1]);
        let voucher = pattern.voucher * unit;
        if voucher > 0 {
            self.voucher(root, last, voucher, day);
            self.voucher(root, GOVERNMENT, unit, day);
        }
        let rounds = i128::from(pattern.rounds);
        let all = |amount: i128| amount * unit * rounds;
        self.roots.push(root);
        let (share, of) = pattern.pro_rata;
        let put_in = pattern.steps.iter().find(|step| step.0 == 0).map_or(0, |step| step.3);
        self.market.planted.push(Planted {
            parties,
            kind: pattern.kind,
            capital_out: all(put_in),
            lower: all(pattern.lower),
            fifo: all(pattern.fifo),
            pro_rata: (all(share), of),
            upper: all(pattern.upper),
            voucher,
            first_capital: days.iter().find(|step| step.0 == 0).map_or(start, |step| step.1),
            closed: days[pattern.closes].1,
            last_return: days[days.len() - 1].1,
        });
    }

    fn voucher(&mut self, provider: u32, buyer: u32, amount: i128, day: i64) {
        self.record(MarketFlow {
            from: GOVERNMENT,
            to: provider,
            kind: "voucher_payment",
            buyer: Some(buyer),
            amount,
            currency: "CNY",
            day,
        });
    }

    fn look_alike(&mut self, number: usize) {
        let which = number % (LOOK_ALIKES.len() + 3);
        let steps = LOOK_ALIKES.get(which).copied().unwrap_or(TWO_LEGS);
        let beyond = which.checked_sub(LOOK_ALIKES.len());
        let first = self.parties(steps);
        let (unit, mut day) = (self.scale(), self.day());
        for (place, &(from, to, kind, amount)) in steps.iter().enumerate() {
            let returns = place == 1;
            day += match beyond {
                Some(0) if returns => TOO_LONG,
                Some(2) if returns => 0,
                _ => 1 + self.below(9).cast_signed(),
            };
            let currency = if beyond == Some(1) && returns { "USD" } else { "CNY" };
            let (from, to) = (self.party(first, from), self.party(first, to));
            let amount = amount * unit;
            self.record(MarketFlow { from, to, kind, buyer: None, amount, currency, day });
        }
        if beyond == Some(2) {
            // On one day the payment was recorded first.
            let end = self.flows.len();
            self.flows[end - 1].0 = self.flows[end - 2].0 - 1;
        }
        self.roots.push(first);
        self.market.look_alikes += 1;
    }

    /// Investors, funds, companies and providers by turns.
    fn crowd_member(&mut self, role: u32) -> u32 {
        let first = self.market.parties / 2;
        let each = (self.market.parties - first) / 4;
        let member = u32::try_from(self.below(each.into())).expect("below a number of 32 bits");
        first + role * each + member
    }

    /// Money goes from investors over funds to companies and on to providers; between them it only
    /// goes back by kinds that make no leg.
    fn crowd(&mut self) {
        let roles = [
            (0, 1, PUT_IN),
            (0, 2, INVEST),
            (1, 2, INVEST),
            (2, 3, PAY),
            (2, 3, PAY),
            (2, 3, PAY),
            (2, 4, PAY),
            (3, 0, "distribution"),
            (3, 2, "refund"),
            (1, 0, "distribution"),
            (2, 2, MOVE),
        ];
        let choice = usize::try_from(self.below(roles.len() as u64)).expect("a small number");
        let (from, to, kind) = roles[choice];
        let from = self.crowd_member(from);
        let to = if to == 4 && !self.roots.is_empty() {
            let root = self.below(self.roots.len() as u64);
            self.roots[usize::try_from(root).expect("a place in a list")]
        } else {
            self.crowd_member(to.min(3))
        };
        let currency = if self.below(10) == 0 { "USD" } else { "CNY" };
        let (amount, day) = (self.scale(), self.day());
        self.record(MarketFlow { from, to, kind, buyer: None, amount, currency, day });
    }
}
