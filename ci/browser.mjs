// Opens pages of runner-report in a real browser, and checks what needs a browser.
// node ci/browser.mjs RUNNER DIRECTORY [OUT]: playwright-core is in DIRECTORY; with OUT, the
// pictures for docs/reports.md go there.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { failed, hostile, many, OUTPUT, parallel } from "./journals.mjs";

const [runner, directory, out] = process.argv.slice(2);
const { chromium } = createRequire(resolve(directory, "package.json"))("playwright-core");
const scratch = mkdtempSync(join(tmpdir(), "runner-browser-"));

// Writes the page of the last run in `state`. Returns its path.
function report(name, state, format = "html") {
    const text = execFileSync(resolve(runner), ["runner-report", "--state-dir", state, "--format", format], {
        maxBuffer: 1 << 28,
    });
    const file = join(scratch, `${name}.${format}`);
    writeFileSync(file, text);
    return file;
}

function state(name, journal) {
    const path = join(scratch, name);
    mkdirSync(path);
    writeFileSync(join(path, "journal.jsonl"), journal);
    return path;
}

const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox"],
});

// Shows a file and calls `act` with its page. Asserts that the page causes no errors, no
// messages and no requests.
async function shown(file, { width = 1024, dark = false } = {}, act) {
    const page = await browser.newPage({
        viewport: { width, height: 900 },
        colorScheme: dark ? "dark" : "light",
    });
    const unexpected = [];
    const url = pathToFileURL(file).href;
    page.on("console", (message) => unexpected.push(message.text()));
    page.on("pageerror", (error) => unexpected.push(String(error)));
    page.on("dialog", (dialog) => unexpected.push(dialog.message()));
    page.on("request", (request) => request.url() === url || unexpected.push(request.url()));
    const began = performance.now();
    await page.goto(url);
    await page.screenshot();
    const took = performance.now() - began;
    await act(page, took);
    assert.deepEqual(unexpected, [], `${file} causes nothing else`);
    await page.close();
}

const paper = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);

// The state directory of the run that failed.
function failedState() {
    const output = join(scratch, "50-build.3.log");
    writeFileSync(output, OUTPUT);
    return state("failed", failed(output));
}

async function keyboard(page) {
    const tries = page.locator("details.task").first().locator(".tries");
    assert.equal(await tries.isVisible(), false);
    await page.keyboard.press("Tab");
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.equal(outline, "solid", "focus is seen");
    await page.keyboard.press("Enter");
    assert.equal(await tries.isVisible(), true, "Enter opens the tries");
    await page.locator("details.task summary").nth(1).click();
    assert.equal(await page.locator("details.task .tries").nth(1).isVisible(), true, "a click opens the tries");
}

// Each task has its name, its result and its time within the page, without scrolling sideways.
async function isReadable(page) {
    const { width } = page.viewportSize();
    for (const row of await page.locator("main > .chart > .rows > .task:not(.head, .waits)").all()) {
        const text = await row.innerText();
        assert.match(text, /OK|failed|not reached/i, text);
        for (const cell of await row.locator(".name, .time, .word").all()) {
            const box = await cell.boundingBox();
            assert.ok(!box || box.x + box.width <= width, `${text}: ${box?.x} + ${box?.width}`);
        }
    }
}

// The failure is above the fold of a phone, with its output in colours.
async function beginsWithTheFailure(page) {
    assert.equal((await page.locator("h1").innerText()).trim(), "Gave up after 1m 14s: 50-build exited with 1 (3 of 3 tries)");
    const output = page.locator(".why .output");
    const { y } = await output.boundingBox();
    assert.ok(y < 400, `the output begins at ${y}`);
    const colours = await output.locator("span").evaluateAll((spans) => spans.map((span) => getComputedStyle(span).color));
    assert.deepEqual(new Set(colours).size, 4, colours.join("; "));
    assert.match(await page.locator(".why").innerText(), /Not reached: 60-test, 70-deploy/);
    assert.equal(await page.locator(".past li").count(), 31);
}

async function fits(page) {
    const { scroll, client } = await page.evaluate(() => ({
        scroll: document.documentElement.scrollWidth,
        client: document.documentElement.clientWidth,
    }));
    assert.ok(scroll <= client, `${scroll} pixels in ${client}`);
}

async function isOnePage(page) {
    const pdf = (await page.pdf({ preferCSSPageSize: true, printBackground: true })).toString("latin1");
    assert.equal(pdf.match(/\/Type\s*\/Page\b/g).length, 1, "one printed page");
    assert.match(pdf, /\/MediaBox\s*\[0 0 84\d\.\d+ 59\d\.\d+\]/, "in landscape");
}

async function check() {
    const example = report("failed", failedState());
    await shown(example, {}, keyboard);
    for (const width of [390, 1024, 1600]) {
        await shown(example, { width }, async (page) => {
            await fits(page);
            await isReadable(page);
            await beginsWithTheFailure(page);
        });
    }
    let papers = [];
    for (const dark of [false, true]) {
        await shown(example, { dark }, async (page) => papers.push(await paper(page)));
    }
    assert.deepEqual(papers, ["rgb(255, 255, 255)", "rgb(20, 24, 29)"]);
    await shown(example, {}, isOnePage);
    await shown(report("failed", join(scratch, "failed"), "svg"), {}, async (page) => {
        assert.equal(await page.locator("g[tabindex]").count(), 8);
    });

    const evil = report("hostile", state("hostile", hostile()));
    await shown(evil, {}, async (page) => {
        assert.equal(await page.locator("script, img, [onfocus], [autofocus]").count(), 0);
        assert.equal(await page.locator("details.task").count(), 9);
    });

    const large = report("many", state("many", many(3000)));
    assert.ok(statSync(large).size < 2_000_000, `${statSync(large).size} bytes`);
    await shown(large, { width: 1600 }, async (page, took) => {
        const began = performance.now();
        for (let step = 0; step < 20; step += 1) {
            await page.keyboard.press("Tab");
        }
        const step = (performance.now() - began) / 20;
        console.log(`3,000 tasks: shown after ${took.toFixed()}ms, ${step.toFixed()}ms a step`);
        assert.ok(took < 10_000 && step < 500, "3,000 tasks are fluid");
        await isOnePage(page);
    });
}

async function screenshots() {
    const picture = async (name, file) => {
        await shown(file, { width: 1200 }, async (page) => {
            const clip = await page.locator(".legend").boundingBox();
            const height = Math.ceil(clip.y + clip.height + 24);
            await page.screenshot({ path: join(out, name), fullPage: true, clip: { x: 0, y: 0, width: 1200, height } });
        });
    };
    const example = join(scratch, "example");
    const set = ["--set", `state_dir=${example}`];
    const top = resolve(import.meta.dirname, "..");
    execFileSync(resolve(runner), ["-c", join(top, "runner.cfg"), ...set, join(top, "example-tasks.d")], {
        cwd: mkdtempSync(join(scratch, "work-")),
        stdio: "ignore",
    });
    // The path of the checkout differs between machines.
    const journal = readFileSync(join(example, "journal.jsonl"), "utf8").replaceAll(join(top, "example-tasks.d"), "/etc/tasks.d");
    mkdirSync(out, { recursive: true });
    await picture("example.png", report("example", state("example-elsewhere", journal)));
    await picture("parallel.png", report("parallel", state("parallel", parallel())));
    const page = report("failed", failedState());
    writeFileSync(page, readFileSync(page, "utf8").replaceAll(scratch, "/var/log/runner"));
    await picture("failed.png", page);
}

try {
    await (out ? screenshots() : check());
} finally {
    await browser.close();
    rmSync(scratch, { recursive: true });
}
