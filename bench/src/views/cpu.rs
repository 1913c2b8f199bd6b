//! Processor time of this process and of the servers that it has started, as the kernel counts it.

use std::time::Duration;

/// How many times a second the kernel counts.
const TICKS: u64 = 100;

/// Of this process and its children, and theirs; of those that ended, what their parents were told.
pub fn used() -> anyhow::Result<Duration> {
    let mut processes = Vec::new();
    for entry in std::fs::read_dir("/proc")?.flatten() {
        // One may end meanwhile.
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        processes.extend(read(&stat));
    }
    let mut family = vec![u64::from(std::process::id())];
    let mut next = 0;
    while let Some(parent) = family.get(next).copied() {
        family.extend(processes.iter().filter(|one| one.parent == parent).map(|one| one.id));
        next += 1;
    }
    let ours = processes.iter().filter(|one| family.contains(&one.id));
    Ok(Duration::from_secs(1) * u32::try_from(ours.map(|one| one.ticks).sum::<u64>())?
        / TICKS as u32)
}

struct Process {
    id: u64,
    parent: u64,
    ticks: u64,
}

/// A line of `/proc/ID/stat`: the name in parentheses may hold anything.
fn read(stat: &str) -> Option<Process> {
    let (id, _) = stat.split_once(' ')?;
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let number = |place: usize| fields.get(place)?.parse::<u64>().ok();
    // User and system time, and those of children that were waited for.
    let ticks = [11, 12, 13, 14].into_iter().map(number).sum::<Option<u64>>()?;
    Some(Process { id: id.parse().ok()?, parent: number(1)?, ticks })
}
