//! JSON texts of callers, surveyed before anything is built of them: how deep they nest, how many
//! values they hold, and which members an object repeats.
//!
//! [`survey`] reads a text once and keeps the names of the objects that are open, nothing else. It
//! is no validator: a text that is no JSON is read up to its fault at least, and the parser, which
//! comes next, names the place. A parser alone would take the last of two equal members, and
//! other programs the first: what one of them checks is then not what the other uses.

use std::{borrow::Cow, collections::HashMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::domain::text::first;

/// Most repeated members whose place is kept.
const MAX_REPEATED: usize = 100;
/// Characters of a name in an answer.
const SHOWN: usize = 60;
/// Names up to which each is compared with each.
const FEW: usize = 16;

/// The bounds of a text.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Deepest nesting of objects and lists; an object of texts has depth 1.
    pub depth: usize,
    /// Most values: objects, lists, texts, numbers and the like, at all levels together.
    pub values: usize,
    /// A member of the outermost object whose entries are surveyed one by one later: below them
    /// this survey counts values only.
    pub apart: Option<&'static str>,
}

impl Bounds {
    /// Those of a request's body and of a document.
    pub const BODY: Self = Self { depth: 32, values: 10_000, apart: None };
}

/// A text beyond its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Excess {
    /// It nests deeper than this.
    #[error("deeper than {0} levels")]
    Depth(usize),
    /// It holds more values than this.
    #[error("more than {0} values")]
    Values(usize),
}

/// The place of a repeated member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeated(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Member(String),
    Entry(usize),
}

impl Repeated {
    /// The place as a JSON Pointer (RFC 6901).
    pub fn pointer(&self) -> String {
        let mut pointer = String::new();
        for step in &self.0 {
            pointer.push('/');
            match step {
                Step::Member(name) => {
                    pointer.push_str(&shown(name).replace('~', "~0").replace('/', "~1"));
                }
                Step::Entry(number) => pointer.push_str(&number.to_string()),
            }
        }
        pointer
    }

    /// The place as a recipient's field: `evidence[0].name`.
    pub fn field(&self) -> String {
        let mut field = String::new();
        for step in &self.0 {
            match step {
                Step::Member(name) => {
                    if !field.is_empty() {
                        field.push('.');
                    }
                    field.push_str(&shown(name));
                }
                Step::Entry(number) => field.push_str(&format!("[{number}]")),
            }
        }
        field
    }

    /// Whether it is inside a member of the outermost object.
    pub fn is_inside(&self, member: &str) -> bool {
        self.0.len() > 1 && matches!(self.0.first(), Some(Step::Member(name)) if name == member)
    }
}

/// The repeated members of a text: the first 100 of them, and the number of the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// The places of the first, each name of an object once.
    pub repeated: Vec<Repeated>,
    /// How many more there are.
    pub more: usize,
}

/// A caller's name of a member, cut and without control characters, for an answer.
pub fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}

/// The text of a body, without a byte order mark; none when it is not in UTF-8.
pub fn text(body: &[u8]) -> Option<&str> {
    std::str::from_utf8(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)).ok()
}

/// Surveys a text.
///
/// # Errors
/// [`Excess`], found before the bounded part of the text has been left.
pub fn survey(text: &str, bounds: &Bounds) -> Result<Survey, Excess> {
    let mut surveyor = Surveyor {
        bounds,
        values: 0,
        open: Vec::new(),
        names: Vec::new(),
        below: 0,
        found: Survey::default(),
    };
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => {
                let Some(end) = end_of_text(bytes, at) else { break };
                let rest = bytes.get(end + 1..).unwrap_or_default();
                if rest.iter().find(|b| !is_blank(**b)) == Some(&b':') {
                    surveyor.name(text.get(at..end).unwrap_or_default());
                } else {
                    surveyor.value()?;
                }
                at = end + 1;
            }
            b'{' | b'[' => surveyor.begin()?,
            b'}' | b']' => {
                if !surveyor.end() {
                    break;
                }
            }
            b',' => surveyor.next(),
            b':' => {}
            blank if is_blank(*blank) => {}
            _ => {
                surveyor.value()?;
                let rest = bytes.get(at..).unwrap_or_default();
                at +=
                    rest.iter().take_while(|b| !is_blank(**b) && !b"\"{}[],:".contains(b)).count();
            }
        }
    }
    Ok(surveyor.found)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

/// The place of the quote that ends a text which begins at `at`.
fn end_of_text(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += bytes.get(at..)?.iter().position(|b| matches!(b, b'"' | b'\\'))?;
        if bytes.get(at) == Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

/// An object or list that is open.
struct Open {
    /// Names of the objects around it.
    names: usize,
    /// Its current entry, from 0.
    entry: usize,
}

struct Surveyor<'a, 'b> {
    bounds: &'b Bounds,
    values: usize,
    open: Vec<Open>,
    /// Names of all open objects, outermost first.
    names: Vec<Cow<'a, str>>,
    /// Levels open below an entry that is surveyed later.
    below: usize,
    found: Survey,
}

impl<'a> Surveyor<'a, '_> {
    fn value(&mut self) -> Result<(), Excess> {
        self.values += 1;
        if self.values > self.bounds.values {
            Err(Excess::Values(self.bounds.values))
        } else {
            Ok(())
        }
    }

    /// Takes a name between its quotes.
    fn name(&mut self, text: &'a str) {
        if self.below == 0 {
            // Escapes spell one name in many ways. One that is no text is refused by the parser.
            let plain = || serde_json::from_str::<String>(&format!("\"{text}\"")).ok();
            let name = text.contains('\\').then(plain).flatten();
            self.names.push(name.map_or(Cow::Borrowed(text), Cow::Owned));
        }
    }

    fn begin(&mut self) -> Result<(), Excess> {
        self.value()?;
        if self.below > 0 || self.is_apart() {
            self.below += 1;
            return Ok(());
        }
        if self.open.len() == self.bounds.depth {
            return Err(Excess::Depth(self.bounds.depth));
        }
        self.open.push(Open { names: self.names.len(), entry: 0 });
        Ok(())
    }

    /// Whether an entry of the list that is surveyed later begins here.
    fn is_apart(&self) -> bool {
        let Some(apart) = self.bounds.apart else { return false };
        match self.open.as_slice() {
            [_, list] => {
                list.names == self.names.len()
                    && self.names.last().is_some_and(|name| name == apart)
            }
            _ => false,
        }
    }

    fn next(&mut self) {
        if self.below == 0
            && let Some(open) = self.open.last_mut()
        {
            open.entry += 1;
        }
    }

    /// Ends an object or list; false when none is open.
    fn end(&mut self) -> bool {
        if self.below > 0 {
            self.below -= 1;
            return true;
        }
        let Some(open) = self.open.pop() else { return false };
        let names = self.names.get(open.names..).unwrap_or_default();
        for name in repeated(names) {
            if self.found.repeated.len() == MAX_REPEATED {
                self.found.more += 1;
                continue;
            }
            let mut steps = self.path(open.names);
            steps.push(Step::Member(first(name, SHOWN).to_owned()));
            self.found.repeated.push(Repeated(steps));
        }
        self.names.truncate(open.names);
        true
    }

    /// The way to the object that began when `names` names were open.
    fn path(&self, names: usize) -> Vec<Step> {
        let ends = self.open.iter().skip(1).map(|open| open.names).chain([names]);
        let steps = self.open.iter().zip(ends).map(|(open, end)| {
            let name = end.checked_sub(1).filter(|_| end > open.names);
            match name.and_then(|at| self.names.get(at)) {
                Some(name) => Step::Member(first(name, SHOWN).to_owned()),
                None => Step::Entry(open.entry),
            }
        });
        steps.collect()
    }
}

/// The names that come more than once, each once.
fn repeated<'n>(names: &'n [Cow<'_, str>]) -> Vec<&'n str> {
    if names.len() <= FEW {
        let is_second = |(n, name): (usize, &'n Cow<'_, str>)| {
            let earlier = names.iter().take(n).filter(|earlier| *earlier == name).count();
            (earlier == 1).then_some(name.as_ref())
        };
        return names.iter().enumerate().filter_map(is_second).collect();
    }
    let mut counts: HashMap<&'n str, usize> = HashMap::with_capacity(names.len());
    let mut found = Vec::new();
    for name in names {
        let count = counts.entry(name).or_default();
        *count += 1;
        if *count == 2 {
            found.push(name.as_ref());
        }
    }
    found
}

/// A JSON object as the list of its members.
pub struct Object<'a>(pub Vec<(String, &'a RawValue)>);

impl fmt::Debug for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Object({} members)", self.0.len())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Vec<(String, &'de RawValue)>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry::<String, &'de RawValue>()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Members).map(Object)
    }
}

#[cfg(test)]
mod tests;
