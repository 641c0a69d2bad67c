//! Parsers of the library, whatever they are given: each refuses it with a text of bounded length, or
//! reads all of it.

use std::{collections::HashSet, io::Cursor};

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use unicreda::{
    domain::{
        feedback::{self, FeedbackMessage},
        fields::Fields,
        ids::TemplateId,
        json::{self, Bounds},
        lang::Lang,
        member_row,
        picture::{MAX_KEPT, Png, SIDES, bake},
        svg::{MAX_SVG, Svg},
        template::Definition,
        upload::Kind,
        upload_path::UploadPath,
    },
    sheet::{Cells, List, MAX_HEADER, Rows, SheetRow, Survey, Terms},
};

use super::corpus::{Input, Inputs, Shape, chunks};

/// Longest text of a fault, in bytes.
const TEXT: usize = 4_000;

pub fn definition() -> Definition {
    let names = ["credits_earned", "evidence", "term", "license_number", "activity_start_date"];
    let mut fields: Vec<_> = names.iter().map(|name| serde_json::json!({ "name": name })).collect();
    fields.push(serde_json::json!({ "name": "recipient_name", "required": true }));
    fields.push(serde_json::json!({ "name": "result_value", "required": true }));
    let body = serde_json::json!({ "name": "Curso", "description": "Un curso", "fields": fields });
    let fields = Fields::of_body(body.to_string().as_bytes()).expect("an object");
    Definition::read(fields).expect("a definition").0
}

/// Tries a file; the kind that was read, or none if it was refused.
fn try_file(file: &Input, definition: &Definition, list: List) -> Option<Kind> {
    let template_id = TemplateId::parse("00000000-0000-4000-8000-000000000000").expect("an id");
    let terms =
        Terms { list, corrects: list == List::Recipients, ..Terms::of(template_id, definition) };
    let lines = file.split(|byte| matches!(byte, b'\n' | b'\r')).count();
    let surveyed =
        Survey::begin(&file[..MAX_HEADER.min(file.len())], terms).and_then(|mut survey| {
            let start = usize::try_from(survey.starts_at()).expect("small");
            file[start..].chunks(13).try_for_each(|piece| survey.push(piece))?;
            survey.finish()
        });
    let found = match surveyed {
        Ok(found) => found,
        Err(fault) => {
            for text in [fault.text(Lang::Es), fault.text(Lang::En)] {
                assert!((1..TEXT).contains(&text.len()), "{}: {text}", file.name);
            }
            let line = usize::try_from(fault.line.unwrap_or(1)).expect("few");
            // A header can be missing behind the last line.
            assert!((1..=lines + 1).contains(&line), "{}: line {line} of {lines}", file.name);
            return None;
        }
    };
    let start = usize::try_from(found.format.start.offset).expect("small");
    let mut reader = match list {
        List::Recipients => Rows::new(&found.format, definition, found.format.start),
        List::Members => Rows::of_members(&found.format, definition, found.format.start),
    };
    let mut rows: Vec<SheetRow> = Vec::new();
    for piece in file[start..].chunks(7) {
        rows.extend(reader.push(piece).expect("as surveyed"));
    }
    rows.extend(reader.finish().expect("as surveyed"));
    // Rows in are rows out, numbered one after the other, and the results have the same.
    assert_eq!(rows.len(), usize::try_from(found.rows).expect("few"), "{}", file.name);
    let mut before = 0;
    for (row, number) in rows.iter().zip(1..) {
        assert_eq!(row.row, number, "{}", file.name);
        assert!(before <= row.line && row.line <= lines as u64, "{}: line {}", file.name, row.line);
        before = row.line;
        if let Err(faults) = &row.entry.recipient {
            assert!(!faults.is_empty(), "{}: row {number} fails without a reason", file.name);
            for fault in faults {
                for text in [fault.text(Lang::Es), fault.text(Lang::En)] {
                    assert!((1..TEXT).contains(&text.len()), "{}: {text}", file.name);
                }
            }
        }
    }
    let mut cells = Cells::new(&found.format, None);
    let mut read = cells.push(&file[start..]).expect("as surveyed");
    read.extend(cells.finish().expect("as surveyed"));
    assert_eq!(read.len(), rows.len(), "{}: rows of the results", file.name);
    if found.format.kind == Kind::JsonLines {
        // Counted by a rule of its own: a line with anything but white space is a row.
        let lines = file[start..].split(|byte| matches!(byte, b'\n' | b'\r'));
        let written = lines.filter(|line| !line.trim_ascii().is_empty()).count();
        assert_eq!(rows.len(), written, "{}: lines", file.name);
    }
    Some(found.format.kind)
}

fn every_file(parser: &'static str, kind: Kind) {
    let definition = definition();
    let (mut read, mut refused) = (0, 0);
    for file in Inputs::of(parser, Shape::Text, 600) {
        match try_file(&file, &definition, List::Recipients) {
            Some(found) if found == kind => read += 1,
            Some(_) => {}
            None => refused += 1,
        }
    }
    eprintln!("{parser}: {read} read, {refused} refused");
    assert!(read > 50 && refused > 50);
}

#[test]
fn every_csv_file_is_refused_with_its_place_or_read_to_its_last_row() {
    every_file("csv", Kind::Csv);
}

#[test]
fn every_file_of_json_lines_is_refused_with_its_place_or_read_to_its_last_row() {
    every_file("json-lines", Kind::JsonLines);
}

#[test]
fn every_file_of_members_is_refused_with_its_place_or_read_to_its_last_row() {
    let profile = member_row::definition();
    let (mut read, mut refused) = (0, 0);
    for file in Inputs::of("members", Shape::Text, 600) {
        match try_file(&file, &profile, List::Members) {
            Some(_) => read += 1,
            None => refused += 1,
        }
    }
    eprintln!("files of members: {read} read, {refused} refused");
    assert!(read > 50 && refused > 50);
}

#[test]
fn every_picture_is_refused_or_kept_as_its_pixels_alone() {
    let (mut kept, mut refused) = (0, 0);
    for file in Inputs::of("png", Shape::Png, 1_000) {
        // What earlier versions kept is drawn or left out.
        let before = Png::kept(&file);
        let Ok(png) = Png::read(&file) else {
            refused += 1;
            continue;
        };
        kept += 1;
        assert!(before.is_ok(), "{}", file.name);
        assert!(png.bytes().len() <= MAX_KEPT, "{}", file.name);
        for (kind, _) in chunks(png.bytes()) {
            let draws = [b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"].contains(&&kind);
            assert!(draws, "{}: {}", file.name, String::from_utf8_lossy(&kind));
        }
        assert_eq!(Png::read(png.bytes()).as_ref(), Ok(&png), "{}: read again", file.name);
        let baked = bake(png.bytes(), b"{}").expect("a PNG file");
        let mut reader = png::Decoder::new(Cursor::new(&baked)).read_info().expect("a PNG file");
        let (width, height) = reader.info().size();
        assert!(SIDES.contains(&width) && SIDES.contains(&height), "{}", file.name);
        let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
        reader.next_frame(&mut pixels).expect("pixels");
    }
    eprintln!("png: {kept} kept, {refused} refused");
    assert!(kept > 50 && refused > 100);
}

/// What no kept drawing has: an instruction, a reference to elsewhere, an escape.
const NOT_KEPT: [&str; 10] =
    ["script", "<!", "<?", "&", "://", "data:", "@", "\\", " on", "foreignObject"];

#[test]
fn every_drawing_is_refused_or_kept_without_what_is_not_a_shape() {
    let (mut kept, mut refused) = (0, 0);
    for file in Inputs::of("svg", Shape::Text, 3_000) {
        let Ok(svg) = Svg::read(&file) else {
            refused += 1;
            continue;
        };
        kept += 1;
        assert!(svg.bytes().len() <= MAX_SVG, "{}", file.name);
        let text = std::str::from_utf8(svg.bytes()).expect("UTF-8");
        let inside = text.replacen("http://www.w3.org/2000/svg", "", 1);
        let found = NOT_KEPT.iter().find(|word| inside.contains(**word));
        assert_eq!(found, None, "{}: {text}", file.name);
        assert_eq!(Svg::read(svg.bytes()).as_ref(), Ok(&svg), "{}: read again", file.name);
    }
    eprintln!("svg: {kept} kept, {refused} refused");
    assert!(kept > 20 && refused > 100);
}

#[test]
fn every_notice_of_ses_is_read_alike_with_and_without_its_envelope() {
    let (mut notices, mut others, mut refused) = (0, 0, 0);
    for body in Inputs::of("notices", Shape::Json, 2_000) {
        let body = String::from_utf8_lossy(&body);
        let found = feedback::read(&body);
        match &found {
            Ok(FeedbackMessage::Notice(notice)) => {
                assert!(notice.to.as_str().len() <= 254);
                assert!(notice.at.ends_with('Z') && notice.sent_at.ends_with('Z'));
                notices += 1;
            }
            Ok(FeedbackMessage::Other) => others += 1,
            // Said without a word of the message: it has an address in it.
            Err(error) => {
                assert!(error.to_string().len() < 60, "{error}");
                refused += 1;
            }
        }
        let enveloped = serde_json::json!({ "TopicArn": "arn:aws:sns:x", "Message": body });
        assert_eq!(feedback::read(&enveloped.to_string()), found);
    }
    eprintln!("notices: {notices} notices, {others} others, {refused} refused");
    assert!(notices > 30 && others > 50 && refused > 100);
}

#[test]
fn every_key_of_an_object_names_its_own_place_or_none() {
    let (mut places, mut none) = (0, 0);
    for key in Inputs::of("keys", Shape::Text, 5_000) {
        let key = String::from_utf8_lossy(&key);
        let Some(path) = UploadPath::parse(&key) else {
            none += 1;
            continue;
        };
        let place = format!("incoming/{}/{}/", path.mode, path.org);
        assert!(key.starts_with(&place), "{key}: {place}");
        assert!(key.ends_with(&path.name) && !path.name.contains('/'), "{key}: {}", path.name);
        places += 1;
    }
    eprintln!("keys: {places} places, {none} none");
    assert!(places > 100 && none > 100);
}

/// What another parser finds in a text: its depth, its values, and whether an object repeats a member.
#[derive(Clone, Copy, Default)]
struct Found {
    depth: usize,
    values: usize,
    repeats: bool,
}

impl Found {
    fn with(&mut self, inner: Self) {
        self.depth = self.depth.max(inner.depth);
        self.values += inner.values;
        self.repeats |= inner.repeats;
    }
}

impl<'de> Deserialize<'de> for Found {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Finder)
    }
}

struct Finder;

const LEAF: Found = Found { depth: 0, values: 1, repeats: false };

impl<'de> Visitor<'de> for Finder {
    type Value = Found;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<Found, E> {
        Ok(LEAF)
    }
    fn visit_bool<E>(self, _: bool) -> Result<Found, E> {
        Ok(LEAF)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Found, E> {
        Ok(LEAF)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Found, E> {
        Ok(LEAF)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Found, E> {
        Ok(LEAF)
    }
    fn visit_str<E>(self, _: &str) -> Result<Found, E> {
        Ok(LEAF)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Found, A::Error> {
        let mut found = LEAF;
        while let Some(inner) = entries.next_element::<Found>()? {
            found.with(inner);
        }
        found.depth += 1;
        Ok(found)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Found, A::Error> {
        let (mut found, mut names) = (LEAF, HashSet::new());
        while let Some(name) = members.next_key::<String>()? {
            found.repeats |= !names.insert(name);
            found.with(members.next_value()?);
        }
        found.depth += 1;
        Ok(found)
    }
}

#[test]
fn the_survey_of_every_text_agrees_with_another_parser() {
    let bounds = Bounds::BODY;
    let (mut plain, mut repeated, mut beyond) = (0, 0, 0);
    for input in Inputs::of("json", Shape::Json, 2_500) {
        let Some(text) = json::text(&input) else { continue };
        let surveyed = json::survey(text, &bounds);
        let Ok(found) = serde_json::from_str::<Found>(text) else { continue };
        let within = found.depth <= bounds.depth && found.values <= bounds.values;
        assert_eq!(surveyed.is_ok(), within, "{}: {surveyed:?}", input.name);
        let Ok(survey) = surveyed else {
            beyond += 1;
            continue;
        };
        assert_eq!(!survey.repeated.is_empty(), found.repeats, "{}", input.name);
        assert!(survey.repeated.len() <= 100, "{}", input.name);
        if found.repeats { repeated += 1 } else { plain += 1 }
    }
    eprintln!("json: {plain} plain, {repeated} repeated, {beyond} beyond the bounds");
    assert!(plain > 20 && repeated > 20 && beyond > 0);
}
