// Journals of runs that did not really happen. Their content is fixed, so reports of them
// are always the same.

const ZERO = Date.parse("2026-11-24T06:00:00Z");

class Journal {
    lines = [];

    constructor(run) {
        this.run = run;
    }

    add(second, event, members) {
        const ts = new Date(ZERO + Math.round(second * 1000)).toISOString();
        this.lines.push({ ts, run: this.run, boot: "example", event, ...members });
    }

    // Adds a task with its hooks. Returns the time when the last hook ended.
    task(from, seconds, task, try_num, { outcome = "exited:0", result = "OK", limit = 300, hook = 0, output } = {}) {
        const to = from + hook + seconds;
        const members = { task, try_num };
        if (hook) {
            this.add(from, "hook-start", { task, phase: "pre" });
            this.add(from + hook, "hook-end", { task, phase: "pre", outcome: "exited:0", elapsed: hook });
        }
        this.add(from + hook, "task-start", { ...members, pid: 99 });
        this.add(to, "task-end", { ...members, result, outcome, elapsed: seconds, limit, output });
        if (hook) {
            this.add(to, "hook-start", { task, phase: "post" });
            this.add(to + hook, "hook-end", { task, phase: "post", outcome: "exited:0", elapsed: hook });
        }
        return to + hook;
    }

    starts(tasks, jobs) {
        const members = { version: 1, pid: 1, start_time: 1, taskdir: "/etc/tasks.d", tasks, jobs, max_tries: 5 };
        this.add(0, "run-start", members);
    }

    // Returns the lines in the order of time, as the runner writes them.
    text() {
        const lines = this.lines.map((line, index) => [line, index]);
        lines.sort(([a, i], [b, k]) => (a.ts < b.ts ? -1 : a.ts > b.ts ? 1 : i - k));
        return lines.map(([line]) => JSON.stringify(line) + "\n").join("");
    }
}

// A build machine with three jobs. In the first try a mirror does not answer, in the
// second one a test hangs until its limit, in the third one all is well.
export function parallel() {
    const journal = new Journal("20261124T060000.000Z-0a1b2c3d");
    journal.starts(14, 3);
    let now = 0;
    for (const try_num of [1, 2, 3]) {
        journal.add(now, "try-start", { try_num });
        now = chain(journal, now, try_num);
        if (try_num < 3) {
            const seconds = [12, 24][try_num - 1];
            journal.add(now, "wait", { seconds, before: "try" });
            now += seconds;
        }
    }
    journal.add(now, "run-end", { status: 0, reason: "finished", elapsed: now });
    return journal.text();
}

function chain(journal, from, try_num) {
    const hook = 0.4;
    const task = (from, seconds, name, how) => journal.task(from, seconds, name, try_num, { hook, ...how });
    let now = task(from, 0.3, "0-check-disk");
    now = task(now, 1.2, "1-workdir.sh");
    const mirror = try_num === 1
        ? task(now, 19, "2-fetch-mirror", { result: "RETRY", outcome: "exited:7" })
        : task(now, 14, "2-fetch-mirror");
    let free = task(now, 8, "2-fetch-tools");
    free = task(free, 6, "2-fetch-cache");
    const docs = task(now, 11, "2-fetch-docs");
    now = Math.max(mirror, free, docs);
    if (try_num === 1) {
        return now;
    }
    now = task(now, 2.4, "3-clobber.sh");
    const [gui, core] = [task(now, 31, "6-build-gui"), task(now, 22, "6-build-core.sh")];
    const manual = task(now, 9, "6-build-manual");
    const lint = task(manual, 12, "6-lint.sh");
    now = Math.max(gui, core, lint);
    const unit = task(now, 17, "7-test-unit.sh");
    const system = try_num === 2
        ? task(now, 40, "7-test-system", { limit: 40, result: "RETRY", outcome: "timed-out" })
        : task(now, 26, "7-test-system", { limit: 40 });
    now = Math.max(unit, system);
    return try_num === 2 ? now : task(now, 1.5, "9-report.sh");
}

// A run with very many tasks, eight at a time, in levels of a hundred.
export function many(count) {
    const journal = new Journal("20261124T070000.000Z-99999999");
    journal.starts(count, 8);
    journal.add(0, "try-start", { try_num: 1 });
    let workers = Array(8).fill(0);
    for (let index = 0; index < count; index += 1) {
        if (index % 100 === 0) {
            workers = Array(8).fill(Math.max(...workers));
        }
        const worker = workers.indexOf(Math.min(...workers));
        const seconds = 0.2 + ((index * 7919) % 97) / 20;
        const how = index % 53 === 7 ? { result: "OK", outcome: "exited:3" } : {};
        const task = `${Math.floor(index / 100)}-task-${index}.sh`;
        workers[worker] = journal.task(workers[worker], seconds, task, 1, { hook: 0.01, ...how });
    }
    const elapsed = Math.max(...workers);
    journal.add(elapsed, "run-end", { status: 0, reason: "finished", elapsed });
    return journal.text();
}

// A run whose names try to inject markup into the page.
export function hostile() {
    const journal = new Journal("20261124T080000.000Z-</title><script>alert(1)</script>");
    const names = [
        "1-</script><script>alert(1)</script>", "2-<img src=x onerror=alert(1)>", '3-" onfocus="alert(1)',
        "4-' autofocus '", "5-]]>&amp;<!--", "6-\u202ehs.lla-mr", "7-\u0000\u001b[31m\n\t", "8-検査 שלום 🚀",
        "9-" + "long".repeat(60),
    ];
    journal.starts(names.length, 1);
    journal.add(0, "try-start", { try_num: 1 });
    let now = 0;
    for (const name of names) {
        now = journal.task(now, 2, name, 1, { outcome: "<b>:&", result: "RETRY" });
    }
    journal.add(now, "run-end", { status: 1, reason: "gave-up", elapsed: now });
    return journal.text();
}
