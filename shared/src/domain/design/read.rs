//! Reading a design out of a body, with every fault.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    BackdropKind, Colour, DesignPart, FactLine, FactName, LEAST_CONTRAST, Layout, MAX_LABEL,
    MAX_LEGAL, MAX_LEGAL_LINE, MAX_PLACE, MAX_SIGNATORIES, MAX_SIGNATORY, Orientation, Paper,
    Signatory, Slot, SlotImage, Without,
};
use crate::domain::{
    custom_field::CustomField,
    damage::{Damaged, Kind},
    fault::Fault,
    field::FieldName,
    fields::{Fields, InvalidBody},
    image::ImageInput,
    lang::Lang,
    nearest::nearest,
    text::is_visible,
};

/// The languages of labels.
const LANGUAGES: [Lang; 2] = [Lang::Es, Lang::En];

impl DesignPart {
    /// Reads the body of `PUT /organization/design`. The caller stores the pictures and puts them in their
    /// places.
    ///
    /// # Errors
    /// [`InvalidBody::Fields`] with every fault.
    pub fn read(mut body: Fields) -> Result<(Self, Vec<SlotImage>), InvalidBody> {
        body.ignore(&["since"]);
        let (mut part, images) = Self::members(&mut body, None);
        body.end()?;
        // There is nothing that an organization could go without.
        part.without.clear();
        Ok((part, images))
    }

    /// Takes the member `design` of a template's body, whose own facts are these.
    pub fn take(body: &mut Fields, custom: &[CustomField]) -> (Option<Self>, Vec<SlotImage>) {
        let Some(value) = body.take("design") else {
            return (None, Vec::new());
        };
        let Some(mut inner) = body.inner(body.pointer("design"), value) else {
            return (None, Vec::new());
        };
        let (part, images) = Self::members(&mut inner, Some(custom));
        body.absorb(inner);
        (Some(part).filter(|part| !part.is_empty() || !images.is_empty()), images)
    }

    fn members(fields: &mut Fields, custom: Option<&[CustomField]>) -> (Self, Vec<SlotImage>) {
        let mut without = Vec::new();
        let mut images = Vec::new();
        let layout = word(fields, "layout", Layout::ALL, Layout::as_str);
        let paper = word(fields, "paper", Paper::ALL, Paper::as_str);
        let orientation = word(fields, "orientation", Orientation::ALL, Orientation::as_str);
        let accent = accent(fields);
        let logo = fields.boolean("logo");
        let signatories = signatories(fields, &mut images);
        backdrop(fields, &mut images, &mut without);
        let mut absent = |fields: &mut Fields, name, what| {
            let null = fields.take_null(name);
            without.extend(null.then_some(what));
            null
        };
        let facts = match absent(fields, "facts", Without::Facts) {
            true => None,
            false => facts(fields, custom),
        };
        let second_language = match absent(fields, "second_language", Without::SecondLanguage) {
            true => None,
            false => fields.language("second_language"),
        };
        let place = match absent(fields, "place", Without::Place) {
            true => None,
            false => words(fields, "place", MAX_PLACE, Kind::Words),
        };
        let legal = legal(fields);
        let part = Self {
            layout,
            paper,
            orientation,
            accent,
            logo,
            signatories,
            backdrop: None,
            facts,
            second_language,
            place,
            legal,
            without,
        };
        (part, images)
    }
}

/// Takes an optional text that a reader sees and that nothing damaged.
fn words(fields: &mut Fields, name: &str, max: usize, kind: Kind) -> Option<String> {
    let text = fields.text(name, max)?;
    let fault = match Damaged::of_kind(name, &text, kind) {
        Some(damaged) => Fault::Damaged(damaged),
        None if is_visible(&text) => return Some(text),
        None => Fault::NothingVisible(name.to_owned()),
    };
    fields.fault(name, fault.code(), fault.text(Lang::Es), fault.text(Lang::En));
    None
}

/// Takes an optional word of a list.
fn word<T: Copy>(
    fields: &mut Fields,
    name: &str,
    all: &[T],
    as_str: fn(T) -> &'static str,
) -> Option<T> {
    let text = fields.text(name, 60)?;
    let found = all.iter().copied().find(|word| as_str(*word) == text);
    if found.is_none() {
        let known: Vec<&str> = all.iter().map(|word| as_str(*word)).collect();
        let list = known.join(", ");
        fields.fault_near(
            name,
            "value_not_allowed",
            format!("El campo {name} debe ser uno de: {list}"),
            format!("The field {name} must be one of: {list}"),
            nearest(&text, known.iter().copied()),
        );
    }
    found
}

/// Takes the accent, which must be read on white.
fn accent(fields: &mut Fields) -> Option<Colour> {
    const NAME: &str = "accent";
    let text = fields.text(NAME, 60)?;
    let Some(colour) = Colour::parse(&text) else {
        fields.fault(
            NAME,
            "invalid_colour",
            "El campo accent debe ser un color como #1f3a5f: una almohadilla y seis cifras hexadecimales",
            "The field accent must be a colour like #1f3a5f: a number sign and six hexadecimal digits",
        );
        return None;
    };
    if colour.is_readable() {
        return Some(colour);
    }
    let near = colour.readable().to_string();
    // Rounded down, so that 4.499 does not read as enough.
    let measured = (colour.contrast() * 100.0).floor() / 100.0;
    let ratio = |lang: Lang, ratio: f64| lang.decimal(format!("{ratio:.2}"));
    let (es, en) = (|r| ratio(Lang::Es, r), |r| ratio(Lang::En, r));
    fields.fault_near(
        NAME,
        "low_contrast",
        format!(
            "El color {colour} no se lee bien sobre blanco: su contraste es {}:1 y debe ser al menos {}:1. El más cercano que sirve es {near}",
            es(measured),
            es(LEAST_CONTRAST)
        ),
        format!(
            "The colour {colour} is hard to read on white: its contrast is {}:1 and must be at least {}:1. The nearest darker one that passes is {near}",
            en(measured),
            en(LEAST_CONTRAST)
        ),
        Some(&near),
    );
    None
}

/// Takes a list of at most so many entries; a longer one is a fault.
fn list(fields: &mut Fields, name: &str, most: usize) -> Option<Vec<Value>> {
    let values = fields.list(name)?;
    if values.len() <= most {
        return Some(values);
    }
    fields.fault(
        name,
        "too_many",
        format!("El campo {name} admite {most} elementos como máximo"),
        format!("The field {name} takes at most {most} entries"),
    );
    None
}

fn signatories(fields: &mut Fields, images: &mut Vec<SlotImage>) -> Option<Vec<Signatory>> {
    const NAME: &str = "signatories";
    let values = list(fields, NAME, MAX_SIGNATORIES)?;
    let mut read = Vec::with_capacity(values.len());
    for (n, value) in values.into_iter().enumerate() {
        let path = format!("{}/{n}", fields.pointer(NAME));
        let Some(mut inner) = fields.inner(path, value) else { continue };
        let before = inner.faults();
        let name = words(&mut inner, "name", MAX_SIGNATORY, Kind::Name);
        if name.is_none() && inner.faults() == before {
            inner.missing("name");
        }
        let office = words(&mut inner, "office", MAX_SIGNATORY, Kind::Words);
        let input = ImageInput::take_drawing(&mut inner, "signature");
        let pointer = inner.pointer("signature");
        fields.absorb(inner);
        if matches!(input, ImageInput::New(_) | ImageInput::Drawing(_) | ImageInput::Known(_)) {
            images.push(SlotImage { slot: Slot::Signature(read.len()), input, pointer });
        }
        // A nameless one keeps its place, so that the pictures of the others keep theirs; the body is refused.
        read.push(Signatory { name: name.unwrap_or_default(), office, signature: None });
    }
    Some(read)
}

/// Takes the background or the frame.
fn backdrop(fields: &mut Fields, images: &mut Vec<SlotImage>, without: &mut Vec<Without>) {
    let mut given = Vec::new();
    let mut none = false;
    for kind in BackdropKind::ALL {
        let pointer = fields.pointer(kind.as_str());
        match ImageInput::take_drawing(fields, kind.as_str()) {
            ImageInput::Absent => {}
            ImageInput::None => none = true,
            input => given.push(SlotImage { slot: Slot::Backdrop(*kind), input, pointer }),
        }
    }
    if given.len() > 1 {
        fields.fault(
            BackdropKind::Frame.as_str(),
            "one_of_two",
            "Un diseño lleva background o frame, no ambos: quita uno",
            "A design has background or frame, not both: leave one out",
        );
    }
    if none && given.is_empty() {
        without.push(Without::Backdrop);
    }
    images.append(&mut given);
}

fn facts(fields: &mut Fields, custom: Option<&[CustomField]>) -> Option<Vec<FactLine>> {
    const NAME: &str = "facts";
    let public: Vec<&CustomField> =
        custom.unwrap_or_default().iter().filter(|field| !field.private).collect();
    let known = FieldName::FACTS.map(|field| field.as_str().to_owned()).into_iter();
    let known: Vec<String> = known.chain(public.iter().map(|field| field.key.field())).collect();
    let values = list(fields, NAME, known.len())?;
    let mut read: Vec<FactLine> = Vec::with_capacity(values.len());
    for (n, value) in values.into_iter().enumerate() {
        let path = format!("{}/{n}", fields.pointer(NAME));
        // A name alone is a fact with its usual labels.
        let value = match value {
            Value::String(name) => serde_json::json!({ "fact": name }),
            other => other,
        };
        let Some(mut inner) = fields.inner(path, value) else { continue };
        let name = inner.required_text("fact", 60);
        let label = label(&mut inner);
        let fact = name.and_then(|name| {
            let fact = FactName::parse(&name).filter(|_| known.contains(&name));
            if fact.is_none() {
                let all = known.join(", ");
                inner.fault_near(
                    "fact",
                    "unknown_fact",
                    format!("El campo fact debe ser uno de: {all}"),
                    format!("The field fact must be one of: {all}"),
                    nearest(&name, known.iter().map(String::as_str)),
                );
            }
            fact
        });
        if fact.is_some_and(|fact| read.iter().any(|line| line.fact == fact)) {
            inner.fault("fact", "repeated", "El dato está repetido", "The fact is given twice");
        }
        fields.absorb(inner);
        read.extend(fact.map(|fact| FactLine { fact, label }));
    }
    Some(read)
}

/// Takes the labels of a fact, by language.
fn label(inner: &mut Fields) -> BTreeMap<String, String> {
    let Some(value) = inner.take("label") else {
        return BTreeMap::new();
    };
    let Some(mut of) = inner.inner(inner.pointer("label"), value) else {
        return BTreeMap::new();
    };
    let mut labels = BTreeMap::new();
    for lang in LANGUAGES {
        let text = words(&mut of, lang.tag(), MAX_LABEL, Kind::Words);
        labels.extend(text.map(|text| (lang.tag().to_owned(), text)));
    }
    inner.absorb(of);
    labels
}

fn legal(fields: &mut Fields) -> Option<Vec<String>> {
    const NAME: &str = "legal";
    let values = list(fields, NAME, MAX_LEGAL)?;
    let mut lines = Vec::with_capacity(values.len());
    for (n, value) in values.into_iter().enumerate() {
        // Each line is a text of its own, with its own pointer.
        let path = fields.pointer(NAME);
        let name = n.to_string();
        let one = Value::Object([(name.clone(), value)].into_iter().collect());
        let Some(mut inner) = fields.inner(path, one) else { continue };
        let before = inner.faults();
        let line = words(&mut inner, &name, MAX_LEGAL_LINE, Kind::Prose);
        if line.is_none() && inner.faults() == before {
            inner.fault(
                &name,
                "missing_text",
                format!("La línea legal {} está vacía: escríbela o quítala", n + 1),
                format!("Legal line {} is empty: write it or leave it out", n + 1),
            );
        }
        fields.absorb(inner);
        lines.extend(line);
    }
    Some(lines)
}
