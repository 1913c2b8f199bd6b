//! temporary
use crate::history::*;
use crate::stage::*;
use loopledger_journal::MemoryJournal;
use loopledger_model::Context;
use loopledger_projector::Limits;
use std::time::SystemTime;

#[tokio::test]
async fn scale() {
    let stage = Stage::set().await;
    let journal = MemoryJournal::new();
    for c in 0..500 {
        let events: Vec<_> = (0..200).map(|i| party(&format!("p{c}-{i}"), "company")).collect();
        append(&journal, Context::Registry, &events).await;
    }
    #[expect(clippy::disallowed_methods, reason = "temporary")]
    let now = SystemTime::now;
    let t = now();
    stage.project(&journal, "a", Limits::REBUILD).await.unwrap();
    println!("100k parties {:?}", t.elapsed());
    let t = now();
    println!("{:?}", stage.views("a").digests().await.unwrap().position);
    println!("digest {:?}", t.elapsed());
    let journal = MemoryJournal::new();
    let mut n = 0u64;
    let mut rnd = move || { n = n.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407); (n >> 33) };
    for c in 0..200 {
        let inv: Vec<_> = (0..50).map(|i| investment(&format!("i{c}-{i}"), &format!("f{}", rnd()%100), &format!("c{}", rnd()%1000), "10", "2025-01-01")).collect();
        append(&journal, Context::Fund, &inv).await;
        let con: Vec<_> = (0..20).map(|i| contribution(&format!("i{c}-{i}"), &format!("a{}", rnd()%50), &format!("f{}", rnd()%100), "10", "2024-01-01")).collect();
        append(&journal, Context::Fund, &con).await;
        let pay: Vec<_> = (0..30).map(|i| payment(&format!("i{c}-{i}"), "k", &format!("c{}", rnd()%1000), &format!("a{}", rnd()%50), "10", "2025-02-01")).collect();
        append(&journal, Context::Purchase, &pay).await;
    }
    let t = now();
    stage.project(&journal, "b", Limits::REBUILD).await.unwrap();
    println!("20k flows {:?}", t.elapsed());
    let t = now();
    let l = stage.views("b").loops(&Default::default(), Default::default()).await.unwrap();
    println!("loops {} {:?}", l.loops.len(), t.elapsed());
    let t = now();
    stage.project(&journal, "c", Limits{commits:30, ..Limits::LIVE}).await.unwrap();
    println!("20k flows in 20 batches {:?}", t.elapsed());
}
