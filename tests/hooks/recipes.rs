//! The recipes for the run hook in docs/recipes.md.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc::{Receiver, channel},
    thread,
};

use serde_json::Value;

use crate::support::{Test, is_missing, top};

/// The configuration of this name in the page.
fn recipe(name: &str) -> String {
    let page = fs::read_to_string(top().join("docs/recipes.md")).unwrap();
    let (_, below) = page.split_once(&format!("```ini {name}\n")).unwrap();
    below.split_once("```").unwrap().0.to_owned()
}

/// Starts a server that accepts everything. Returns its address, and the first line and the body
/// of each request.
fn server() -> (String, Receiver<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, requests) = channel();
    let answer = move |stream: TcpStream| {
        let mut reader = BufReader::new(&stream);
        let (mut first, mut length) = (String::new(), 0);
        reader.read_line(&mut first).unwrap();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(number) = line.to_lowercase().strip_prefix("content-length:") {
                length = number.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let request = (first.trim().to_owned(), String::from_utf8(body).unwrap());
        sender.send(request).unwrap();
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        (&stream).write_all(answer.as_bytes()).unwrap();
    };
    thread::spawn(move || listener.incoming().map(Result::unwrap).for_each(answer));
    (address, requests)
}

#[test]
fn the_mail_is_sent_when_a_run_did_not_finish() {
    for (body, status) in [("exit 2", 2), ("exit 0", 0)] {
        let test = Test::new()
            .task("1-a", body)
            .file(
                "bin/mail",
                "#!/bin/sh\necho \"$1 $3\" >>mails; cat >>mails\n",
                0o755,
            )
            .only_config(&recipe("mail.cfg"));
        let path = format!(
            "{}:{}",
            test.path("bin").display(),
            std::env::var("PATH").unwrap()
        );
        let ran = test.env("PATH", path).run().status(status);
        let ran = ran.does_not_say("run hook");
        let mails = ran.lines("mails");
        if status == 0 {
            assert!(mails.is_empty(), "{mails:?}");
            continue;
        }
        assert_eq!(mails[0], "-s root");
        assert!(mails[1].contains(r#""reason":"halted","task":"1-a""#));
        assert_eq!(mails.len(), 2);
    }
}

#[test]
fn the_ping_has_the_start_and_the_exit_status() {
    if is_missing("curl") {
        return;
    }
    for status in [0, 2] {
        let (address, requests) = server();
        Test::new()
            .task("1-a", &format!("exit {status}"))
            .only_config(&recipe("ping.cfg").replace("https://hc-ping.com", &address))
            .run()
            .status(status)
            .does_not_say("run hook");
        let lines: Vec<String> = requests.try_iter().map(|(line, _)| line).collect();
        let expected = ["start", &status.to_string()].map(|to| format!("GET /UUID/{to} HTTP/1.1"));
        assert_eq!(lines, expected);
    }
}

#[test]
fn the_chat_message_is_json_whatever_the_names_are() {
    if is_missing("curl") {
        return;
    }
    let (address, requests) = server();
    Test::new()
        .file("tasks.d/1-\"a\"\\b\u{7}", "#!/bin/sh\nexit 2\n", 0o755)
        .only_config(&recipe("chat.cfg").replace("https://chat.example", &address))
        .run()
        .status(2)
        .does_not_say("run hook");
    let requests: Vec<_> = requests.try_iter().collect();
    assert_eq!(requests.len(), 2);
    for (line, body) in &requests {
        assert_eq!(line, "POST /hooks/KEY HTTP/1.1");
        let message: Value = serde_json::from_str(body).unwrap();
        let text = message["text"].as_str().unwrap();
        assert!(text.contains(": {run:"), "{text}");
    }
    assert!(requests[1].1.contains("reason:halted,task:1-ab"));
}
