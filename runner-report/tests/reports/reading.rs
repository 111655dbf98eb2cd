//! Lines that are not records, of which a journal can have any number.

use runner_report::Record;

use crate::journal::Journal;

/// Returns the records of a journal as `RUN@SECOND`.
fn records(journal: &Journal) -> String {
    let mut found = Vec::new();
    let each =
        |record: &Record| found.push(format!("{}@{}", record.run, record.ts.as_second() % 100));
    journal.read(each).unwrap();
    found.join(" ")
}

#[test]
fn a_line_that_is_not_a_record_is_skipped_and_not_joined_with_the_next_one() {
    let long = vec![b'x'; 2 << 20];
    let long_json = [br#"{"run":""#, &*long, b"\"}"].concat();
    let nuls = vec![0; 3 << 20];
    for garbage in [
        &b"\n"[..],
        b"\r\n",
        b"garbage\n",
        b"{}\n",
        b"[]\n",
        b"null\n",
        b"{\"ts\":\"2026-11-24T06:00\n",
        b"{\"ts\":\"soon\",\"run\":\"r9\",\"boot\":\"b\",\"event\":\"try-start\",\"try_num\":1}\n",
        b"{\"ts\":\"2026-11-24T06:00:00Z\",\"run\":\"r9\",\"event\":\"try-start\",\"try_num\":\"one\"}\n",
        b"{\"ts\":\"2026-11-24T06:00:00Z\",\"run\":\"r9\",\"event\":\"try-start\",\"try_num\":1,\"x\":\"\xff\"}\n",
        b"\0\0\0\n",
        &[&*long, b"\n"].concat(),
        &[&*long_json, b"\n"].concat(),
        &[&*nuls, b"\n"].concat(),
    ] {
        let journal = Journal::new().try_starts(10.0, 1).raw(garbage).try_starts(20.0, 1);
        let begin = String::from_utf8_lossy(&garbage[..garbage.len().min(80)]);
        assert_eq!(records(&journal), "r1@10 r1@20", "{begin:?}");
        // A last line without a line feed.
        let end = &garbage[..garbage.len() - 1];
        let journal = Journal::new().try_starts(10.0, 1).raw(end);
        assert_eq!(records(&journal), "r1@10", "{begin:?}");
    }
}

#[test]
fn the_end_of_a_too_long_line_is_not_a_record() {
    for length in [1 << 20, (1 << 20) + 1, 2 << 20] {
        let mut line = vec![b'x'; length];
        line.extend(Journal::new().try_starts(20.0, 1).text);
        let journal = Journal::new()
            .try_starts(10.0, 1)
            .raw(&line)
            .try_starts(30.0, 1);
        assert_eq!(records(&journal), "r1@10 r1@30", "{length}");
    }
}

#[test]
fn an_incomplete_line_is_not_a_record_and_a_complete_one_is() {
    let line = Journal::new().try_starts(20.0, 1).text;
    for cut in 0..=line.len() {
        let journal = Journal::new().try_starts(10.0, 1).raw(&line[..cut]);
        let is_complete = cut >= line.len() - 1;
        let expected = if is_complete { "r1@10 r1@20" } else { "r1@10" };
        assert_eq!(records(&journal), expected, "{cut}");
        // The next writer closes the line.
        let journal = journal.raw(b"\n").try_starts(30.0, 1);
        assert_eq!(records(&journal), format!("{expected} r1@30"), "{cut}");
    }
}

#[test]
fn an_unknown_event_is_a_record_of_its_run() {
    let line =
        b"{\"ts\":\"2026-11-24T06:00:05Z\",\"run\":\"r7\",\"event\":\"task-dreamt\",\"of\":[1]}\n";
    assert_eq!(records(&Journal::new().raw(line)), "r7@5");
}

#[test]
fn an_empty_journal_has_no_records() {
    assert_eq!(records(&Journal::new()), "");
}
