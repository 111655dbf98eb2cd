//! Outputs: the format of their files, and the tasks that see them.

use std::{collections::BTreeMap, ffi::OsStr, os::unix::ffi::OsStrExt, sync::Arc};

use proptest::prelude::*;
use runner_config::MaxTries;
use runner_exec::{
    MAX_OUTPUTS_BYTES, Node, Outputs, TaskId, Variables, format_outputs, parse_outputs,
};

fn variables(pairs: &[(&str, &[u8])]) -> Variables {
    let pairs = pairs.iter();
    let pairs = pairs.map(|(name, value)| ((*name).to_owned(), OsStr::from_bytes(value).into()));
    pairs.collect()
}

#[test]
fn a_file_is_lines_or_records() {
    for (bytes, expected) in [
        (&b""[..], &[][..]),
        (b"\n\n# a=b\n#\n", &[]),
        (b"A=1", &[("A", &b"1"[..])]),
        (b"A=1\nb_2=x=y\n", &[("A", b"1"), ("b_2", b"x=y")]),
        (b"A= \" 1\t\\n \n", &[("A", b" \" 1\t\\n ")]),
        (b"A=\nA=2\nA=3", &[("A", b"3")]),
        (b"_=\xff\n", &[("_", b"\xff")]),
        (b"A=x\ry\n", &[("A", b"x\ry")]),
        (
            b"RUNNER=1\nPATH=/x\nLD_PRELOAD=\n",
            &[("LD_PRELOAD", b""), ("PATH", b"/x"), ("RUNNER", b"1")],
        ),
        (b"A=1\n2\r\n\0B=3\0", &[("A", b"1\n2\r\n"), ("B", b"3")]),
        (b"\0", &[]),
        (b"\0\0#x\0A=\0A=1", &[("A", b"1")]),
        (b"A=1\nB=2\0", &[("A", b"1\nB=2")]),
    ] {
        assert_eq!(parse_outputs(bytes), Ok(variables(expected)), "{bytes:?}");
    }
}

#[test]
fn a_wrong_line_is_named_and_never_quoted() {
    let characters = "has a name with other characters than letters, digits and `_`";
    for (bytes, expected) in [
        (&b"A=1\nsecret\n"[..], "line 2 has no `=`"),
        (b"A=1\0secret\0", "record 2 has no `=`"),
        (b"A=1\n\n#\nsecret", "line 4 has no `=`"),
        (b"A=1\0\n", "record 2 has no `=`"),
        (b"A=1\r\n", "line 1 ends in CRLF (Windows line ending)"),
        (b"#\r\n", "line 1 ends in CRLF (Windows line ending)"),
        (b"A=1\n\r", "line 2 ends in CRLF (Windows line ending)"),
        (b"=secret", &format!("line 1 {characters}")),
        (b"1A=secret", &format!("line 1 {characters}")),
        (b"A =secret", &format!("line 1 {characters}")),
        (b" A=secret", &format!("line 1 {characters}")),
        (b"export A=secret", &format!("line 1 {characters}")),
        (b"A-B=secret", &format!("line 1 {characters}")),
        (b"\xc3\x84=secret", &format!("line 1 {characters}")),
        (b"\xef\xbb\xbfA=secret", &format!("line 1 {characters}")),
        (
            b"\nRUNNER_TASK=secret",
            "line 2 sets a variable whose name begins with `RUNNER_`",
        ),
        (
            b"RUNNER_=secret",
            "line 1 sets a variable whose name begins with `RUNNER_`",
        ),
    ] {
        assert_eq!(parse_outputs(bytes), Err(expected.to_owned()), "{bytes:?}");
    }
}

/// Nodes from levels (sorted) and the needs of each, as offsets within the level.
fn nodes(tasks: &[(usize, Vec<usize>)]) -> Arc<[Node]> {
    let node = |(level, needs): &(usize, Vec<usize>)| Node {
        level: *level,
        needs: needs.iter().copied().map(TaskId).collect(),
        required: true,
        max_tries: MaxTries::OfChain(5),
    };
    tasks.iter().map(node).collect()
}

#[test]
fn a_task_sees_only_what_it_had_to_wait_for() {
    // 1-a; 2-b needs 2-d; 2-c; 2-d needs 2-e; 2-e; 3-f.
    let level_2 = [vec![3], vec![], vec![4], vec![]].map(|needs| (1, needs));
    let tasks = [[(0, vec![])].as_slice(), &level_2, &[(2, vec![])]].concat();
    let mut outputs = Outputs::new(nodes(&tasks));
    for (task, name) in ["A", "B", "C", "D", "E", "F"].into_iter().enumerate() {
        let set = variables(&[(name, b""), ("LAST", name.as_bytes())]);
        outputs.set(TaskId(task), set).unwrap();
    }
    let seen = |task| {
        let visible = outputs.visible_to(TaskId(task)).into_iter();
        let seen = visible.map(|(name, value)| name + value.to_str().unwrap());
        seen.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(seen(0), "");
    // The order of the plan is a c e d b f: a dependent comes after its dependency.
    assert_eq!(seen(1), "A D E LASTD");
    assert_eq!(seen(2), "A LASTA");
    assert_eq!(seen(3), "A E LASTE");
    assert_eq!(seen(4), "A LASTA");
    assert_eq!(seen(5), "A B C D E LASTB");
    assert_eq!(outputs.all()["LAST"], "F");
    // A retry forgets those of the tasks that start again.
    outputs.retain(|task| task.0 != 5 && task.0 != 1);
    assert_eq!(outputs.all()["LAST"], "D");
    outputs.set(TaskId(3), Variables::new()).unwrap();
    assert_eq!(outputs.all()["LAST"], "E");
}

#[test]
fn all_outputs_of_a_run_have_a_maximum_size() {
    let tasks: Vec<_> = (0..5).map(|level| (level, vec![])).collect();
    let mut outputs = Outputs::new(nodes(&tasks));
    let quarter = |more: usize| variables(&[("A", &vec![b'x'; MAX_OUTPUTS_BYTES / 4 - 3 + more])]);
    for task in 0..4 {
        outputs.set(TaskId(task), quarter(0)).unwrap();
    }
    let too_large = Err("all outputs of the run are larger than 256K".to_owned());
    assert_eq!(outputs.set(TaskId(4), variables(&[("B", b"")])), too_large);
    // One that is set again counts once, and one that is too large has none.
    outputs.set(TaskId(3), quarter(0)).unwrap();
    assert_eq!(outputs.set(TaskId(3), quarter(1)), too_large);
    outputs.set(TaskId(4), variables(&[("B", b"")])).unwrap();
}

/// Random tasks: sorted levels, and needs without a cycle that point in both directions.
fn tasks() -> impl Strategy<Value = Vec<(usize, Vec<usize>)>> {
    let task = (
        0..3_usize,
        any::<u32>(),
        prop::collection::vec(any::<bool>(), 12),
    );
    prop::collection::vec(task, 1..12).prop_map(|mut tasks| {
        tasks.sort_by_key(|(level, ..)| *level);
        let needs = |index: usize| {
            let (level, rank, bits) = &tasks[index];
            let others = tasks.iter().enumerate();
            let others = others.filter(|(other, (its_level, its_rank, _))| {
                its_level == level && (its_rank, *other) < (rank, index) && bits[*other]
            });
            others.map(|(other, _)| other).collect()
        };
        let levels = tasks.iter().enumerate();
        levels
            .map(|(index, (level, ..))| (*level, needs(index)))
            .collect()
    })
}

/// The order of the plan by its rule: of the tasks that can start, the first by name is next.
fn naive_order(tasks: &[(usize, Vec<usize>)]) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::new();
    while order.len() < tasks.len() {
        let is_done = |task: &usize| order.contains(task);
        let can_start = |task: &usize| {
            !is_done(task)
                && tasks[*task].1.iter().all(is_done)
                && (0..tasks.len()).all(|other| tasks[other].0 >= tasks[*task].0 || is_done(&other))
        };
        let next = (0..tasks.len()).find(can_start).unwrap();
        order.push(next);
    }
    order
}

/// Returns `true` if `task` had to wait for `other`.
fn waits_for(tasks: &[(usize, Vec<usize>)], task: usize, other: usize) -> bool {
    let (level, needs) = &tasks[task];
    tasks[other].0 < *level
        || needs.contains(&other)
        || needs.iter().any(|need| waits_for(tasks, *need, other))
}

proptest! {
    #[test]
    fn any_bytes_are_parsed_or_refused_without_quoting_them(bytes: Vec<u8>) {
        if let Err(why) = parse_outputs(&bytes) {
            let number = |c: char| c.is_ascii_digit();
            let why = why.replace(number, "");
            prop_assert!(why.starts_with("line  ") || why.starts_with("record  "), "{}", why);
        }
    }

    #[test]
    fn stored_outputs_are_read_back(
        stored in prop::collection::btree_map(
            "[A-Za-z_][A-Za-z0-9_]{0,5}",
            prop::collection::vec(1_u8.., 0..9),
            0..9,
        ),
    ) {
        let value = |value: &Vec<u8>| OsStr::from_bytes(value).to_owned();
        let stored: Variables = stored.iter().map(|(name, bytes)| (name.clone(), value(bytes))).collect();
        prop_assert_eq!(parse_outputs(&format_outputs(&stored)), Ok(stored));
    }

    #[test]
    fn every_task_sees_what_the_naive_model_says(
        tasks in tasks(),
        names in prop::collection::vec(prop::collection::btree_set(0..4_u8, 0..4), 12),
    ) {
        let mut outputs = Outputs::new(nodes(&tasks));
        for (index, names) in names.iter().take(tasks.len()).enumerate() {
            let set = names.iter().map(|name| (format!("V{name}"), index.to_string().into()));
            outputs.set(TaskId(index), set.collect()).unwrap();
        }
        let order = naive_order(&tasks);
        let model = |is_visible: &dyn Fn(usize) -> bool| {
            let mut seen = BTreeMap::new();
            for &other in order.iter().filter(|other| is_visible(**other)) {
                seen.extend(names[other].iter().map(|name| (format!("V{name}"), other.to_string().into())));
            }
            seen
        };
        for task in 0..tasks.len() {
            let expected = model(&|other| waits_for(&tasks, task, other));
            prop_assert_eq!(outputs.visible_to(TaskId(task)), expected);
        }
        prop_assert_eq!(outputs.all(), model(&|_| true));
    }
}
