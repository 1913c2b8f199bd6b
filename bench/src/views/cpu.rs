//! Processor time of this process and of the servers that it has started, as the kernel counts it.

use std::time::Duration;

/// How many times a second the kernel counts.
const TICKS: u32 = 100;

/// Of this process and its children, and theirs; of those that ended, what their parents were told.
pub fn used() -> anyhow::Result<Duration> {
    // Whoever ends while the others are read would be in neither figure: then all are read again.
    let mut before = family()?;
    loop {
        let now = family()?;
        if now.iter().map(|one| one.id).eq(before.iter().map(|one| one.id)) {
            let ticks: u64 = now.iter().map(|one| one.ticks).sum();
            return Ok(Duration::from_secs(1) * u32::try_from(ticks)? / TICKS);
        }
        before = now;
    }
}

/// In the order of their numbers.
fn family() -> anyhow::Result<Vec<Process>> {
    let mut processes = Vec::new();
    for entry in std::fs::read_dir("/proc")?.flatten() {
        // `self` is this process once more.
        if entry.file_name().to_string_lossy().parse::<u32>().is_err() {
            continue;
        }
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        processes.extend(read(&stat));
    }
    let mut family = vec![u64::from(std::process::id())];
    let mut next = 0;
    while let Some(parent) = family.get(next).copied() {
        family.extend(processes.iter().filter(|one| one.parent == parent).map(|one| one.id));
        next += 1;
    }
    processes.retain(|one| family.contains(&one.id));
    processes.sort_by_key(|one| one.id);
    Ok(processes)
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
