//! temporary
use loopledger_loops::*;
use std::time::SystemTime;

#[test]
fn scale() {
    #[expect(clippy::disallowed_methods, reason = "temporary")]
    let now = SystemTime::now;
    let mut n = 0u64;
    let mut rnd = move || { n = n.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407); n >> 33 };
    let mut graph = Graph::default();
    let mut flows = vec![];
    let ccy = graph.currency("CNY");
    for c in 0..200u64 {
        for i in 0..100u64 {
            let (from, to, kind, at) = if i < 50 { (format!("f{}", rnd()%100), format!("c{}", rnd()%1000), Kind::Investment, 2) }
            else if i < 70 { (format!("a{}", rnd()%50), format!("f{}", rnd()%100), Kind::Contribution, 1) }
            else { (format!("c{}", rnd()%1000), format!("a{}", rnd()%50), Kind::ComputePayment, 3) };
            flows.push(Flow { id: FlowId(c*100+i), from: graph.party(&from), to: graph.party(&to), kind, amount: 10, currency: ccy, at, recorded: Recorded { position: c, index: i as u32 } });
        }
    }
    let empty = graph.clone();
    let t = now();
    let mut touched = 0;
    for f in &flows { touched += graph.add(*f).unwrap().cycles.len(); }
    println!("add {:?} touched {touched} cycles {}", t.elapsed(), graph.cycles().count());
    let mut graph = empty.clone();
    let t = now();
    for b in flows.chunks(1000) { graph.extend(b.to_vec()).unwrap(); }
    println!("extend 1000 {:?}", t.elapsed());
    let mut graph = empty;
    let t = now();
    graph.extend(flows).unwrap();
    println!("extend all {:?}", t.elapsed());
    let t = now();
    let l = graph.loops().count();
    println!("loops {l} {:?}", t.elapsed());
}
