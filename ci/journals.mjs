// Journals of runs that did not really happen. Their content is fixed, so reports of them
// are always the same.

const ZERO = Date.parse("2026-11-24T06:00:00Z");

class Journal {
    lines = [];

    // A run that starts this number of days earlier.
    constructor(run, days = 0) {
        this.run = run;
        this.zero = ZERO - days * 86_400_000;
    }

    add(second, event, members) {
        const ts = new Date(this.zero + Math.round(second * 1000)).toISOString();
        this.lines.push({ ts, run: this.run, boot: "example", event, ...members });
    }

    // Adds a task with its hooks. Returns the time when the last hook ended.
    task(from, seconds, task, try_num, how = {}) {
        const { outcome = "exited:0", result = "OK", limit = 300, hook = 0, output, required } = how;
        const to = from + hook + seconds;
        const members = { task, try_num };
        if (hook) {
            this.add(from, "hook-start", { task, phase: "pre" });
            this.add(from + hook, "hook-end", { task, phase: "pre", outcome: "exited:0", elapsed: hook });
        }
        this.add(from + hook, "task-start", { ...members, pid: 99 });
        this.add(to, "task-end", { ...members, result, outcome, elapsed: seconds, limit, output, required });
        if (hook) {
            this.add(to, "hook-start", { task, phase: "post" });
            this.add(to + hook, "hook-end", { task, phase: "post", outcome: "exited:0", elapsed: hook });
        }
        return to + hook;
    }

    starts(tasks, jobs, members = {}) {
        const process = { version: 1, pid: 1, start_time: 1, taskdir: "/etc/tasks.d" };
        this.add(0, "run-start", { ...process, tasks, jobs, max_tries: 5, ...members });
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

// A chain that gives up in its third try, after a month of runs that mostly finished.
// `output` is the file with the output of the task that decides.
export function failed(output) {
    const names = ["10-disk", "15-cache", "20-keys", "30-fetch", "40-configure", "50-build", "60-test", "70-deploy"];
    const seconds = [0.4, 1.1, 0.3, 4.2, 1.5, 6, 9, 2];
    const start = { host: "build7", runner_version: "0.2.0", fingerprint: "3f2a91c0b7de", plan: names };
    // Runs `count` tasks from `from` on. Returns the time of the end.
    const chain = (journal, from, try_num, count, scale, how = {}) => names.slice(0, count).reduce(
        (now, name, index) => journal.task(now, seconds[index] * scale, name, try_num, how[name]), from);
    let text = "";
    for (let day = 30; day > 0; day -= 1) {
        const journal = new Journal(`run-${day}`, day);
        journal.starts(names.length, 1, start);
        journal.add(0, "try-start", { try_num: 1 });
        const isLost = day === 12;
        const end = chain(journal, 0, 1, isLost ? 4 : 8, 1 + ((day * 7919) % 30) / 100);
        journal.add(end, "run-end", { status: isLost ? 1 : 0, reason: isLost ? "gave-up" : "finished", elapsed: end });
        text += journal.text();
    }
    const journal = new Journal("20261124T060000.000Z-da2e7952");
    journal.starts(names.length, 1, { ...start, max_tries: 3 });
    let now = 0;
    for (const try_num of [1, 2, 3]) {
        journal.add(now, "try-start", { try_num });
        now = chain(journal, now, try_num, 6, 1 + try_num / 20, {
            "15-cache": { result: "RETRY", outcome: "exited:3", required: false },
            "50-build": { result: "RETRY", outcome: "exited:1", output: try_num === 3 ? output : undefined },
        });
        if (try_num < 3) {
            journal.add(now, "wait", { seconds: try_num * 10, before: "try" });
            now += try_num * 10;
        }
    }
    const end = { task: "50-build", tries: 3, max_tries: 3, not_reached: names.slice(6) };
    journal.add(now, "run-end", { status: 1, reason: "gave-up", elapsed: now, ...end });
    return text + journal.text();
}

// The output of the task that decides the run of `failed`, in colours.
export const OUTPUT = [
    "\u001b[1;32m   Compiling\u001b[0m app v0.4.1 (/srv/app)",
    "\u001b[1;31merror\u001b[0m: linking with `cc` failed: exit status: 1",
    "\u001b[1;34m  = note\u001b[0m: /usr/bin/ld: \u001b[33mcannot find -lssl\u001b[0m: No such file or directory",
    "\u001b[1;31merror\u001b[0m: could not compile `app` (bin \"app\") due to 1 previous error",
    "",
].join("\n");

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
