//! All levels and dependencies of plans with few tasks.

use runner_exec::TaskId;

/// Every way to put tasks into levels. Each item has the level of each task.
pub(crate) fn levels(tasks: usize) -> Vec<Vec<usize>> {
    let cuts = 0..1 << (tasks - 1);
    cuts.map(|cuts: usize| {
        (0..tasks)
            .map(|t| (0..t).filter(|i| cuts >> i & 1 == 1).count())
            .collect()
    })
    .collect()
}

/// Every acyclic choice of needs among tasks of the same level and of lower ones.
pub(crate) fn needs(levels: &[usize]) -> Vec<Vec<Vec<TaskId>>> {
    let tasks = levels.len();
    let pairs: Vec<(usize, usize)> = (0..tasks)
        .flat_map(|a| (0..tasks).map(move |b| (a, b)))
        .filter(|&(a, b)| a != b && levels[a] >= levels[b])
        .collect();
    let choices = (0..1_usize << pairs.len()).map(|choice| {
        let mut needs = vec![Vec::new(); tasks];
        for (bit, &(a, b)) in pairs.iter().enumerate() {
            if choice >> bit & 1 == 1 {
                needs[a].push(TaskId(b));
            }
        }
        needs
    });
    choices.filter(|needs| acyclic(needs)).collect()
}

fn acyclic(needs: &[Vec<TaskId>]) -> bool {
    let mut done = vec![false; needs.len()];
    for _ in 0..needs.len() {
        for (index, needs) in needs.iter().enumerate() {
            done[index] = done[index] || needs.iter().all(|need| done[need.0]);
        }
    }
    done.iter().all(|done| *done)
}
