//! The recipients' mailboxes: every mail that the embedded SES accepted, in one file of a
//! JSON object a line.
//!
//! A mail is on file before SES answers, so a process that dies at any point has either
//! not accepted it or kept it. Lines are written by one `write` without a sync: they
//! survive `kill -9` (the kernel holds them), not a power cut. A line that a kill cut short
//! is cut off at the next start. Memory holds an index only (some 100 bytes a mail).

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
    /// Addresses that it went to: the envelope's, or the headers' when it names none.
    pub to: Vec<String>,
    /// Sender, with the display name if there is one.
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
    /// When it has no headers at all.
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

/// Where a mail stands in the file, and whom it went to.
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

/// The mail on file.
#[derive(Debug)]
pub struct MailStore {
    inner: Mutex<Inner>,
}

impl MailStore {
    /// Opens the file of a folder, or makes it; cuts off what a kill left unfinished.
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
            // A line that cannot be read is passed over: it must not hide the others.
            if let Ok(read) = serde_json::from_slice::<Recipients>(&line) {
                entries.push(Entry { at: end, length: length - 1, to: folded(&read.to) });
            }
            end += length as u64;
        }
        file.set_len(end)?;
        Ok(Self { inner: Mutex::new(Inner { file: Arc::new(file), end, entries }) })
    }

    /// Puts a mail on file.
    ///
    /// # Errors
    /// When the file cannot be written; what was written of it is taken back.
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

    /// How many mails are on file.
    pub fn count(&self) -> usize {
        self.lock().entries.len()
    }

    /// Numbers of the mails that went to exactly `to` (if given) and to an address that
    /// contains `search` (if not empty), newest first. Case does not count.
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
