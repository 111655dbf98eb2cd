//! Text for terminals and for JSON: names, paths and output can contain any bytes.
//!
//! A name has one text, and two different names never have the same text: a byte that is not
//! UTF-8 is `\xff`, a backslash is `\\`. For terminals [`escape`] is applied too; JSON contains
//! the text itself.

use std::{
    borrow::Cow,
    ffi::{OsStr, OsString},
    fmt::Write,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::Path,
};

/// Returns the text of a name or path, on one line and safe for a terminal.
pub fn shown(path: &Path) -> String {
    escape(&name_text(path.as_os_str())).into_owned()
}

/// Returns the text of a name or path, for JSON. [`from_name_text`] is the inverse.
pub fn name_text(name: &OsStr) -> Cow<'_, str> {
    match name.to_str() {
        Some(text) if !text.contains('\\') => Cow::Borrowed(text),
        Some(_) | None => Cow::Owned(decode(name.as_bytes(), r"\\")),
    }
}

/// Returns the name or path of which `text` is the [`name_text`]. Single backslashes, which
/// earlier versions wrote, stay.
pub fn from_name_text(text: &str) -> OsString {
    let mut name = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        name.extend_from_slice(before.as_bytes());
        let byte = (after.strip_prefix('x'))
            .and_then(|after| u8::from_str_radix(after.get(..2)?, 16).ok())
            .filter(|byte| !byte.is_ascii());
        rest = match byte {
            Some(byte) => {
                name.push(byte);
                &after[3..]
            }
            None => {
                name.push(b'\\');
                after.strip_prefix('\\').unwrap_or(after)
            }
        };
    }
    name.extend_from_slice(rest.as_bytes());
    OsString::from_vec(name)
}

/// Returns `bytes` as text; a byte that is not UTF-8 becomes `\xff`.
pub fn bytes_text(bytes: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(decode(bytes, r"\")),
    }
}

fn decode(bytes: &[u8], backslash: &str) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text += &chunk.valid().replace('\\', backslash);
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// Escapes every hidden character as in `$'…'` of bash: `\n`, `\x1b`, `\u202e`, `\U000e0001`.
/// Backslashes stay single, so that the text of a name does not change.
pub fn escape(text: &str) -> Cow<'_, str> {
    escape_all(text, is_hidden)
}

/// Escapes text of several lines. Line ends, tabs, and the U+FE0F of emoji stay.
pub fn escape_lines(text: &str) -> Cow<'_, str> {
    let stays = |c| matches!(c, '\n' | '\t' | '\u{fe0f}');
    escape_all(text, |c| is_hidden(c) && !stays(c))
}

fn escape_all(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        let _ = match (c, u32::from(c)) {
            (c, _) if !is_escaped(c) => escaped.write_char(c),
            ('\n', _) => escaped.write_str(r"\n"),
            ('\r', _) => escaped.write_str(r"\r"),
            ('\t', _) => escaped.write_str(r"\t"),
            (_, code @ ..0x80) => write!(escaped, "\\x{code:02x}"),
            (_, code @ ..0x1_0000) => write!(escaped, "\\u{code:04x}"),
            (_, code) => write!(escaped, "\\U{code:08x}"),
        };
    }
    Cow::Owned(escaped)
}

/// Replaces hidden characters in JSON by `\u` escapes, which does not change the values. Outside
/// of strings, JSON has no hidden characters but line ends.
pub fn escape_json(json: String) -> String {
    let is_hidden = |c| c != '\n' && is_hidden(c);
    if !json.contains(is_hidden) {
        return json;
    }
    let mut escaped = String::with_capacity(json.len() + 8);
    for c in json.chars() {
        if is_hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// Returns `true` for a character that controls a terminal, changes the direction of text, or is
/// invisible: controls (C0, DEL, C1), line and paragraph separators, interlinear annotations, and
/// the `Default_Ignorable_Code_Point`s of Unicode 16.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Returns the reason of a system error, for the end of a sentence.
pub fn reason(error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => "no such file or directory".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        ErrorKind::NotADirectory => "not a directory".to_owned(),
        ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => {
            let text = error.to_string();
            let text = text.split(" (os error").next().unwrap_or(&text);
            match text.split_at_checked(1) {
                Some((first, rest)) => first.to_lowercase() + rest,
                None => text.to_owned(),
            }
        }
    }
}
