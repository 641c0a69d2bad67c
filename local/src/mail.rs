//! The recipients' mailboxes: all mail that the embedded SES has accepted, in a file with one JSON
//! object per line.
//!
//! A mail is written before SES answers, so a process that is killed at any point has either not
//! accepted a mail or stored it. A line is one `write` without a sync: it survives `kill -9`, because
//! the kernel has it, but not a power cut. A start truncates an incomplete last line. Memory contains
//! only an index (about 100 bytes per mail).

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mail_parser::{Address, MessageParser, PartType};
use serde::{Deserialize, Serialize};

/// Name of the file in the data folder.
pub const FILE: &str = "mail.jsonl";

/// A mail as `GET /_local/mail` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// Recipients of the envelope, or of the headers if the envelope has none.
    pub to: Vec<String>,
    /// Sender, with its display name if it has one.
    pub from: String,
    /// Subject, decoded.
    pub subject: String,
    /// Text part.
    pub text: Option<String>,
    /// HTML part.
    pub html: Option<String>,
    /// When SES accepted it, RFC 3339 in UTC.
    pub sent_at: String,
    /// Header `X-Credential-Id`.
    pub credential_id: Option<String>,
}

impl Mail {
    /// Reads a MIME message.
    ///
    /// # Errors
    /// When it has no headers.
    pub fn parse(mime: &[u8], envelope: Vec<String>, sent_at: String) -> Result<Self, Unreadable> {
        let message = MessageParser::default().parse(mime).ok_or(Unreadable)?;
        let listed = |address: Option<&Address<'_>>| -> Vec<String> {
            address
                .into_iter()
                .flat_map(Address::iter)
                .filter_map(|a| a.address().map(str::to_owned))
                .collect()
        };
        let to = if envelope.is_empty() {
            [message.to(), message.cc(), message.bcc()].into_iter().flat_map(listed).collect()
        } else {
            envelope
        };
        let from = message.from().and_then(Address::first).map_or_else(String::new, |from| {
            let address = from.address().unwrap_or_default();
            match from.name() {
                Some(name) => format!("{name} <{address}>"),
                None => address.to_owned(),
            }
        });
        let body = |html: bool| {
            message.parts.iter().find_map(|part| match &part.body {
                PartType::Html(body) if html => Some(body.clone().into_owned()),
                PartType::Text(body) if !html => Some(body.clone().into_owned()),
                _ => None,
            })
        };
        Ok(Self {
            to,
            from,
            subject: message.subject().unwrap_or_default().to_owned(),
            text: body(false),
            html: body(true),
            sent_at,
            credential_id: message.header_raw("X-Credential-Id").map(|id| id.trim().to_owned()),
        })
    }
}

/// A message that is not MIME.
#[derive(Debug)]
pub struct Unreadable;

/// Position and recipients of a mail in the file.
#[derive(Clone, Debug)]
struct Entry {
    at: u64,
    length: usize,
    /// Addresses in lower case, separated by spaces.
    to: Box<str>,
}

#[derive(Debug)]
struct Inner {
    file: Arc<File>,
    end: u64,
    entries: Vec<Entry>,
}

/// The stored mail.
#[derive(Debug)]
pub struct MailStore {
    inner: Mutex<Inner>,
}

impl MailStore {
    /// Opens the file of a folder, or creates it; truncates an incomplete last line.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(folder.join(FILE))?;
        let mut entries = Vec::new();
        let (mut end, mut line) = (0, Vec::new());
        let mut reader = BufReader::with_capacity(1 << 20, &file);
        loop {
            line.clear();
            let length = reader.read_until(b'\n', &mut line)?;
            if length == 0 || line.last() != Some(&b'\n') {
                break;
            }
            #[derive(Deserialize)]
            struct Recipients {
                to: Vec<String>,
            }
            // Skips a line that cannot be parsed: it must not hide the others.
            if let Ok(read) = serde_json::from_slice::<Recipients>(&line) {
                entries.push(Entry { at: end, length: length - 1, to: folded(&read.to) });
            }
            end += length as u64;
        }
        file.set_len(end)?;
        Ok(Self { inner: Mutex::new(Inner { file: Arc::new(file), end, entries }) })
    }

    /// Stores a mail.
    ///
    /// # Errors
    /// When the file cannot be written; a partial line is truncated.
    pub fn append(&self, mail: &Mail) -> io::Result<()> {
        let mut line = serde_json::to_vec(mail)?;
        line.push(b'\n');
        let mut inner = self.lock();
        let at = inner.end;
        if let Err(error) = inner.file.write_all_at(&line, at) {
            inner.file.set_len(at)?;
            return Err(error);
        }
        inner.end += line.len() as u64;
        inner.entries.push(Entry { at, length: line.len() - 1, to: folded(&mail.to) });
        Ok(())
    }

    /// Number of stored mails.
    pub fn count(&self) -> usize {
        self.lock().entries.len()
    }

    /// Numbers of the mails to exactly `to` (if given) and to an address that contains `search` (if not
    /// empty), newest first. Case is ignored.
    pub fn find(&self, to: Option<&str>, search: &str) -> Vec<usize> {
        let (to, search) = (to.map(str::to_lowercase), search.trim().to_lowercase());
        let wanted = |entry: &Entry| {
            entry.to.contains(&search)
                && to.as_deref().is_none_or(|to| entry.to.split(' ').any(|given| given == to))
        };
        let inner = self.lock();
        let numbered = inner.entries.iter().enumerate().rev();
        numbered.filter(|(_, entry)| wanted(entry)).map(|(number, _)| number).collect()
    }

    /// The JSON of a mail, by its number.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn json(&self, number: usize) -> io::Result<Option<Vec<u8>>> {
        let (entry, file) = {
            let inner = self.lock();
            let Some(entry) = inner.entries.get(number).cloned() else { return Ok(None) };
            (entry, Arc::clone(&inner.file))
        };
        let mut line = vec![0; entry.length];
        file.read_exact_at(&mut line, entry.at)?;
        Ok(Some(line))
    }

    /// A mail, by its number.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn get(&self, number: usize) -> io::Result<Option<Mail>> {
        let Some(json) = self.json(number)? else { return Ok(None) };
        Ok(Some(serde_json::from_slice(&json)?))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn folded(to: &[String]) -> Box<str> {
    to.join(" ").to_lowercase().into_boxed_str()
}
