//! Where the parts of an `.xlsx` file are: its relations, its sheets, its texts.

use std::collections::HashMap;

use quick_xml::events::Event;

use super::{
    archive::{Archive, plain},
    cell::SheetName,
    trouble::{Result, Trouble},
    xml::{Xml, attribute, prefixed_attribute, says},
};

/// Most bytes of a part that lists others.
const MAX_LIST: u64 = 16 * 1024 * 1024;
/// Most sheets of a workbook that are known.
const MAX_SHEETS: usize = 1_000;

/// A relation of a part to another.
struct Relation {
    id: String,
    /// The last word of its kind: strict files name the kinds otherwise before it.
    kind: String,
    target: String,
}

/// The parts of a workbook.
pub(super) struct Parts {
    /// Its sheets of cells, in their order, and their parts.
    pub sheets: Vec<(SheetName, String)>,
    pub strings: Option<String>,
    pub styles: Option<String>,
    pub since_1904: bool,
}

/// The part of a workbook; none if the archive holds none.
fn workbook(archive: &Archive<'_>) -> Result<Option<String>> {
    if archive.has("_rels/.rels") {
        let relations = relations(archive, "_rels/.rels", "")?;
        let found = relations.into_iter().find(|relation| relation.kind == "officedocument");
        if let Some(found) = found.filter(|found| archive.has(&found.target)) {
            return Ok(Some(found.target));
        }
    }
    let usual = "xl/workbook.xml";
    Ok(archive.has(usual).then(|| usual.to_owned()))
}

impl Parts {
    /// Finds them; none if the archive is no workbook.
    pub fn find(archive: &Archive<'_>) -> Result<Option<Self>> {
        let Some(workbook) = workbook(archive)?.filter(|part| part.ends_with(".xml")) else {
            return Ok(None);
        };
        let (folder, file) = workbook.rsplit_once('/').unwrap_or(("", &workbook));
        let list = format!("{folder}/_rels/{file}.rels");
        let relations = relations(archive, &list, folder)?;
        let one = |kind: &str| {
            let found = relations.iter().find(|relation| relation.kind == kind);
            found.map(|relation| relation.target.clone())
        };
        let (strings, styles) = (one("sharedstrings"), one("styles"));
        let of_cells: HashMap<&str, &str> = relations
            .iter()
            .filter(|relation| relation.kind == "worksheet")
            .map(|relation| (&*relation.id, &*relation.target))
            .collect();
        let mut parts = Self { sheets: Vec::new(), strings, styles, since_1904: false };
        let (mut xml, mut is_workbook) = (Xml::open(archive, &workbook, MAX_LIST)?, false);
        loop {
            match xml.next()? {
                Event::Start(start) => match start.local_name().as_ref() {
                    b"workbook" => is_workbook = true,
                    b"workbookPr" => parts.since_1904 = says(&start, b"date1904"),
                    b"sheet" if parts.sheets.len() < MAX_SHEETS => {
                        let target = prefixed_attribute(&start, b"id");
                        let target = target.and_then(|id| of_cells.get(&*id).copied());
                        if let (Some(name), Some(target)) = (attribute(&start, b"name"), target) {
                            // Else a thousand sheets could be one part, to be read a thousand times.
                            if parts.sheets.iter().any(|(_, known)| known == target) {
                                return Err(Trouble::Unreadable);
                            }
                            let state = attribute(&start, b"state");
                            let visible = state.is_none_or(|state| state == "visible");
                            parts.sheets.push((SheetName { name, visible }, target.to_owned()));
                        }
                    }
                    _ => {}
                },
                Event::Eof if is_workbook => return Ok(Some(parts)),
                Event::Eof => return Err(Trouble::Unreadable),
                _ => {}
            }
        }
    }
}

/// The relations of a part, within the archive: what is outside is left alone.
fn relations(archive: &Archive<'_>, list: &str, folder: &str) -> Result<Vec<Relation>> {
    let (mut relations, mut xml) = (Vec::new(), Xml::open(archive, list, MAX_LIST)?);
    loop {
        match xml.next()? {
            Event::Start(start) if start.local_name().as_ref() == b"Relationship" => {
                let outside =
                    attribute(&start, b"TargetMode").is_some_and(|mode| mode == "External");
                let target = attribute(&start, b"Target").filter(|_| !outside);
                let (kind, id) = (attribute(&start, b"Type"), attribute(&start, b"Id"));
                if let (Some(target), Some(kind), Some(id)) = (target, kind, id) {
                    let kind = kind.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
                    let target = resolved(&target, folder);
                    relations.push(Relation { id, kind, target });
                }
            }
            Event::Eof => return Ok(relations),
            _ => {}
        }
    }
}

/// The part that a target names, seen from a folder.
fn resolved(target: &str, folder: &str) -> String {
    let target = target.replace('\\', "/");
    let path = match target.strip_prefix('/') {
        Some(path) => path.to_owned(),
        None => format!("{folder}/{target}"),
    };
    let mut folders: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                folders.pop();
            }
            name => folders.push(name),
        }
    }
    plain(&folders.join("/"))
}
