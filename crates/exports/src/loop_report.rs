//! A party's loops, payments and their facts: what the report says, and one HTML file of it that needs nothing beside it.
//!
//! Invariants: whatever people wrote is escaped; there is no script and nothing is fetched; every
//! fact that is named is in the list of commits with its SHA-256, or the report is not made.

mod typeset;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use anyhow::ensure;
use jiff::Timestamp;
use loopledger_journal::Commit;
use loopledger_model::{Currency, PartyId, Position, Text};
use loopledger_views::{
    As, FlowKind, FlowQuery, Flows, LoopFound, LoopQuery, Loops, MoneyFlow, Views, micros,
};
use rust_decimal::Decimal;

use crate::figures::{day, grouped, percent};
use crate::reading::{MEANING, READING};
use crate::{commits_at, seconds};

/// When the newest commit that the views rest on was recorded.
async fn newest(views: &Views) -> anyhow::Result<Option<Timestamp>> {
    let position = views.position().await?;
    let commits = commits_at(views, (position > 0).then_some(position)).await?;
    Ok(commits.last().map(|commit| micros(commit.recorded_at)))
}

/// Headings of its tables; `>` is over figures.
const SUMMARY: [&str; 4] = ["kind of payment", ">received", ">paid", ""];
const LEGS: [&str; 6] = ["day", "from", "to", "kind", ">amount", "fact"];
const PAYMENTS: [&str; 7] = ["day", "from", "to", "kind", ">amount", "", "fact"];
const COMMITS: [&str; 4] = [">position", "partition", "recorded", "SHA-256"];
const CHAIN: &str = "A fact p.i is event i of the commit at position p. Each commit carries the SHA-256 of the \
    one before it in its partition, so none can be changed unseen. To check one against the journal:";
const LAST: &str = "A loop that is found says that the payments happened, not why.";
const FUNGIBLE: &str = "How much came back has no single answer, since money is fungible:";

const STYLE: &str = include_str!("page.css");

/// What a report rests on: all of it as of and as known at the same times.
pub struct LoopReport {
    pub party: PartyId,
    pub seen: As,
    pub names: BTreeMap<PartyId, Text>,
    /// Those that the party is in.
    pub loops: Loops,
    /// Those from and to the party.
    pub flows: Flows,
}

impl LoopReport {
    /// Nothing where the party was not known then. Where no time of knowledge is asked for it is that of the
    /// newest commit, so that the report can be made again later.
    pub async fn of(views: &Views, party: &PartyId, seen: As) -> anyhow::Result<Option<Self>> {
        let known = match seen.known {
            Some(known) => Some(known),
            None => newest(views).await?,
        };
        let seen = As { known, ..seen };
        let query = LoopQuery { party: Some(party.clone()), ..LoopQuery::default() };
        let loops = views.loops(&query, seen).await?;
        let query = FlowQuery { party: Some(party.clone()), ..FlowQuery::default() };
        let flows = views.flows(&query, seen).await?;
        let names = views.party_names(seen).await?;
        let party = party.clone();
        Ok(names.contains_key(&party).then_some(Self { party, seen, names, loops, flows }))
    }

    /// What the report names, from the archive.
    pub async fn commits(&self, views: &Views) -> anyhow::Result<Vec<Commit>> {
        commits_at(views, self.positions()).await
    }

    /// The commits that have the facts which the report names.
    pub fn positions(&self) -> BTreeSet<Position> {
        let of_loops = self.loops.loops.iter().flat_map(|found| found.positions.iter().copied());
        of_loops.chain(self.flows.flows.iter().map(|flow| flow.event.position)).collect()
    }

    fn ensure_proven(&self, commits: &[Commit]) -> anyhow::Result<()> {
        let told: BTreeSet<Position> = commits.iter().map(|commit| commit.position).collect();
        let missing: Vec<Position> = self.positions().difference(&told).copied().collect();
        ensure!(missing.is_empty(), "the archive has no commits {missing:?}");
        Ok(())
    }

    pub fn page(&self, commits: &[Commit]) -> anyhow::Result<String> {
        self.ensure_proven(commits)?;
        let mut page = String::new();
        self.write_head(&mut page)?;
        self.write_summary(&mut page)?;
        self.write_loops(&mut page)?;
        self.write_payments(&mut page)?;
        write_commits(&mut page, commits)?;
        write!(page, "<footer>{LAST}</footer>\n</body>\n</html>\n")?;
        Ok(page)
    }

    fn write_head(&self, page: &mut String) -> fmt::Result {
        let name = Escaped(self.name(&self.party));
        write!(
            page,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n\
             <meta http-equiv=\"Content-Security-Policy\" \
             content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <title>Loop report: {name}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
             <p class=\"kicker\">Loop report</p>\n<h1>{name}</h1>\n\
             <p class=\"soft\"><code>{}</code></p>\n\n",
            self.party
        )?;
        write_facts(page, "facts when", self.when().map(|(name, value)| (name, value, "")))
    }

    /// From when it is and what it rests on.
    fn when(&self) -> [(&'static str, String); 5] {
        let known = self.seen.known.map_or_else(|| "now".to_owned(), |at| at.to_string());
        let of = self.seen.of.map_or_else(|| "everything recorded".to_owned(), day);
        let (loops, commits) = (self.loops.loops.len(), self.positions().len());
        [
            ("took effect by", of),
            ("as known at", known),
            ("journal position", self.loops.position.to_string()),
            ("loops", loops.to_string()),
            ("commits behind them", commits.to_string()),
        ]
    }

    /// What came in and went out, by currency and kind.
    fn summary(&self) -> anyhow::Result<Vec<Vec<String>>> {
        let mut sums: BTreeMap<(Currency, FlowKind), [Decimal; 2]> = BTreeMap::new();
        for flow in &self.flows.flows {
            let side = usize::from(flow.from == self.party);
            let sums = sums.entry((flow.currency, flow.kind)).or_default();
            let sum = sums[side].checked_add(flow.amount.parse()?);
            sums[side] = sum.ok_or_else(|| anyhow::anyhow!("its payments are beyond counting"))?;
        }
        let rows = sums.into_iter().map(|((currency, kind), [received, paid])| {
            let [received, paid] = [received, paid]
                .map(|sum| if sum.is_zero() { "–".to_owned() } else { grouped(&sum.to_string()) });
            vec![words(kind.name()), received, paid, currency.to_string()]
        });
        Ok(rows.collect())
    }

    fn write_summary(&self, page: &mut String) -> anyhow::Result<()> {
        writeln!(page, "<h2>In short</h2>\n<p>{}</p>", Escaped(MEANING.trim()))?;
        write_table(page, &SUMMARY, self.summary()?)?;
        Ok(())
    }

    fn write_loops(&self, page: &mut String) -> anyhow::Result<()> {
        page.push_str("<h2>Loops</h2>\n");
        if self.loops.loops.is_empty() {
            page.push_str("<p>None were found.</p>\n");
            return Ok(());
        }
        writeln!(page, "<p>{FUNGIBLE}</p>")?;
        write_table(page, &["figure", "meaning"], READING.map(|(f, m)| vec![f.into(), m.into()]))?;
        for (number, found) in (1..).zip(&self.loops.loops) {
            self.write_loop(page, number, found)?;
        }
        if let Some(cut) = self.cut_short() {
            writeln!(page, "<p>{cut}</p>")?;
        }
        Ok(())
    }

    fn cut_short(&self) -> Option<String> {
        let count = self.loops.cut_searches.len();
        let said = "payments was cut short; loops through them may be missing.";
        (count > 0).then(|| format!("The search from {count} {said}"))
    }

    fn write_loop(&self, page: &mut String, number: u32, found: &LoopFound) -> anyhow::Result<()> {
        let kind = words(&found.kind);
        writeln!(page, "<article>\n<h3>{number}. A loop of the kind {}</h3>", Escaped(&kind))?;
        page.push_str("<div class=\"way\">");
        for (place, party) in found.parties.iter().chain(found.parties.first()).enumerate() {
            let arrow = if place > 0 { "<i>→</i>" } else { "" };
            let here = if party == self.party.as_str() { " class=\"here\"" } else { "" };
            write!(page, "{arrow}<span{here}>{}</span>", Escaped(self.name_of(party)))?;
        }
        page.push_str("</div>\n");
        let class = |name| if name == PUBLIC { "public" } else { "" };
        let figures = figures(found).map(|(name, amount)| (name, amount, class(name)));
        write_facts(page, "facts figures", figures)?;
        write_band(page, found)?;
        write_table(page, &LEGS, self.legs(found))?;
        writeln!(page, "<p class=\"soft\">{}</p>\n</article>", closing(found))?;
        Ok(())
    }

    /// The parties around, the first one at the end again.
    fn way<'a>(&'a self, found: &'a LoopFound) -> impl Iterator<Item = &'a str> {
        found.parties.iter().chain(found.parties.first()).map(|party| self.name_of(party))
    }

    fn legs(&self, found: &LoopFound) -> Vec<Vec<String>> {
        let legs = found.legs.iter().map(|leg| {
            let (from, to) = (self.name_of(&leg.from), self.name_of(&leg.to));
            let (kind, amount) = (words(&leg.kind), grouped(&leg.amount));
            vec![day(leg.at), from.into(), to.into(), kind, amount, leg.event.to_string()]
        });
        legs.collect()
    }

    fn write_payments(&self, page: &mut String) -> fmt::Result {
        page.push_str("<h2>Every payment from and to it</h2>\n");
        write_table(page, &PAYMENTS, self.payments())
    }

    fn payments(&self) -> Vec<Vec<String>> {
        let row = |flow: &MoneyFlow| {
            vec![
                day(flow.at),
                self.name(&flow.from).to_owned(),
                self.name(&flow.to).to_owned(),
                words(flow.kind.name()),
                grouped(&flow.amount),
                flow.currency.to_string(),
                flow.event.to_string(),
            ]
        };
        self.flows.flows.iter().map(row).collect()
    }

    fn name<'a>(&'a self, party: &'a PartyId) -> &'a str {
        self.names.get(party).map_or_else(|| party.as_str(), Text::as_str)
    }

    fn name_of<'a>(&'a self, party: &'a str) -> &'a str {
        let known = party.parse::<PartyId>().ok().and_then(|party| self.names.get(&party));
        known.map_or(party, Text::as_str)
    }
}

const PUBLIC: &str = "public money inside";

fn figures(found: &LoopFound) -> [(&'static str, String); 6] {
    [
        ("capital out", &found.capital_out),
        ("back, at least", &found.returned_lower),
        ("first in, first out", &found.returned_fifo),
        ("pro rata", &found.returned_pro_rata),
        ("at most", &found.returned_upper),
        (PUBLIC, &found.voucher_amount),
    ]
    .map(|(name, amount)| (name, grouped(amount)))
}

/// When it closed, and which facts are public money.
fn closing(found: &LoopFound) -> String {
    let (first, closed) = (day(found.first_capital_at), day(found.closed_at));
    let (currency, lag, last) = (found.currency, found.lag_days, day(found.last_return_at));
    let vouchers: Vec<String> = found.voucher_events.iter().map(ToString::to_string).collect();
    let public = match vouchers.as_slice() {
        [] => String::new(),
        facts => format!(" Public money: facts {}.", facts.join(", ")),
    };
    format!(
        "In {currency}. First capital {first}, closed {closed} ({lag} days later), last return \
         {last}.{public}"
    )
}

/// Figures side by side, each with its name and its class.
fn write_facts<const N: usize>(
    page: &mut String,
    class: &str,
    facts: [(&str, String, &str); N],
) -> fmt::Result {
    write!(page, "<div class=\"{class}\">")?;
    for (name, value, class) in facts {
        let value = Escaped(&value);
        write!(page, "<div><b class=\"{class}\">{value}</b><span>{name}</span></div>")?;
    }
    page.push_str("</div>\n");
    Ok(())
}

/// How much of the capital came back, between what is certain and what is possible.
fn write_band(page: &mut String, found: &LoopFound) -> anyhow::Result<()> {
    let capital: Decimal = found.capital_out.parse()?;
    let place = |amount: &str| -> anyhow::Result<Decimal> {
        let share = amount.parse::<Decimal>()?.checked_mul(Decimal::ONE_THOUSAND);
        let share = share.and_then(|amount| amount.checked_div(capital));
        Ok(share.unwrap_or_default().clamp(Decimal::ZERO, Decimal::ONE_THOUSAND).round_dp(2))
    };
    let [lower, fifo, pro_rata, upper] = [
        place(&found.returned_lower)?,
        place(&found.returned_fifo)?,
        place(&found.returned_pro_rata)?,
        place(&found.returned_upper)?,
    ];
    let width = (upper - lower).max(Decimal::TWO);
    writeln!(
        page,
        "<figure><svg viewBox=\"0 0 1000 26\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"share of the capital that came back\">\
         <rect x=\"0\" y=\"9\" width=\"1000\" height=\"8\" fill=\"#eceff3\"/>\
         <rect x=\"{lower}\" y=\"9\" width=\"{width}\" height=\"8\" fill=\"#a9cfd6\"/>\
         <rect x=\"{fifo}\" y=\"4\" width=\"2\" height=\"18\" fill=\"#5c6877\"/>\
         <rect x=\"{pro_rata}\" y=\"2\" width=\"3\" height=\"22\" fill=\"#0f5c6e\"/></svg>\
         <figcaption>Of the capital that went out, {} came back pro rata (the tall mark; the short \
         one is first in, first out). The band runs from what is certain to what is \
         possible.</figcaption></figure>",
        percent(&found.ratio_pro_rata)
    )?;
    Ok(())
}

fn write_commits(page: &mut String, commits: &[Commit]) -> fmt::Result {
    page.push_str("<h2>The facts in the journal</h2>\n");
    writeln!(page, "<p>{CHAIN} <code>{}</code></p>", check(commits))?;
    write_table(page, &COMMITS, commit_rows(commits))
}

/// How one commit is checked against the journal.
fn check(commits: &[Commit]) -> String {
    let one = commits.first().map_or(1, |commit| commit.position);
    format!("loopledger verify --position {one}")
}

fn commit_rows(commits: &[Commit]) -> Vec<Vec<String>> {
    let rows = commits.iter().map(|commit| {
        let (position, recorded) = (commit.position.to_string(), seconds(commit.recorded_at));
        vec![position, commit.partition.to_string(), recorded, commit.hash().to_string()]
    });
    rows.collect()
}

/// Headings with `>` are over figures; hashes are set in one width.
fn write_table(
    page: &mut String,
    headings: &[&str],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> fmt::Result {
    page.push_str("<table>\n<thead><tr>");
    let class = |heading: &str| if heading.starts_with('>') { " class=\"n\"" } else { "" };
    for heading in headings {
        write!(page, "<th{}>{}</th>", class(heading), heading.trim_start_matches('>'))?;
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        page.push_str("<tr>");
        for (heading, cell) in headings.iter().zip(&row) {
            let cell = Escaped(cell);
            match *heading {
                "SHA-256" | "fact" => write!(page, "<td><code>{cell}</code></td>")?,
                heading => write!(page, "<td{}>{cell}</td>", class(heading))?,
            }
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody>\n</table>\n");
    Ok(())
}

fn words(name: &str) -> String {
    name.replace('_', " ")
}

/// Text that stands for itself in HTML, also within an attribute.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            c => f.write_char(c),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(name: &str) -> LoopReport {
        let party: PartyId = "fund-b".parse().expect("an id");
        let flow = MoneyFlow {
            id: "ct-1".to_owned(),
            from: "provider-a".parse().expect("an id"),
            to: party.clone(),
            kind: FlowKind::Contribution,
            amount: "70000000.00".to_owned(),
            currency: "CNY".parse().expect("a currency"),
            at: "2024-09-01T00:00:00Z".parse().expect("an instant"),
            event: "4.3".parse().expect("a fact"),
        };
        LoopReport {
            names: BTreeMap::from([(party.clone(), name.parse().expect("a name"))]),
            party,
            seen: As::default(),
            loops: Loops { position: 27, loops: Vec::new(), cut_searches: Vec::new() },
            flows: Flows { position: 27, flows: vec![flow] },
        }
    }

    #[test]
    fn a_report_is_not_made_without_the_commits_of_its_facts() {
        let refused = report("Fund B").page(&[]).expect_err("commit 4 is missing");
        assert!(refused.to_string().contains("[4]"), "{refused}");
    }

    #[test]
    fn what_people_wrote_cannot_become_markup() {
        let hostile = "<script>alert(\"1\")</script>' onload='&amp;";
        let escaped =
            "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39; onload=&#39;&amp;amp;";
        assert_eq!(Escaped(hostile).to_string(), escaped);
        let report = LoopReport {
            flows: Flows { position: 27, flows: Vec::new() },
            ..report("<script>x</script>")
        };
        let page = report.page(&[]).expect("a page");
        assert!(!page.contains("<script") && page.contains("&lt;script&gt;x"), "{page}");
    }
}
