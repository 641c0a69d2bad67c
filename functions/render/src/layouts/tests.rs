//! Every layout on every paper, with the least and the most that it can have to bear.

use jiff::Timestamp;
use resvg::tiny_skia::Pixmap;
use unicreda::{
    domain::{
        achievement::Achievement,
        custom::Key,
        custom_field::{CustomField, CustomKind, CustomLabel},
        design::{Backdrop, BackdropKind, Design, Layout, Orientation, Paper, Signatory},
        email::EmailAddress,
        ids::{OrgId, TemplateId},
        image::{Image, ImageId, ImageKind},
        lang::Lang,
        organization::{Organization, Settings},
        svg::Svg,
        template::{Definition, Template},
    },
    web::{
        sample::{Length, Sample, Subject},
        view::CredentialView,
    },
};

use crate::{
    certificate::{Pictures, sheet},
    drawing::ACCENT,
    pictures::Picture,
    sheet::{Colour, Node, Sheet},
};

/// A signature, as somebody draws it.
const SIGNATURE: &[u8] = br##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 50"><path d="M4 34c14-30 22-32 18-6-3 18 6-8 16-16 4 2-6 22 0 20s10-18 14-14-4 14 4 12 8-22 14-20-2 20 4 18 14-14 40-16" fill="none" stroke="#16264a" stroke-width="2"/></svg>"##;

fn organization(name: &str) -> Organization {
    let sender = EmailAddress::parse("titulos@ejemplo.edu").expect("an address");
    Organization {
        v: 1,
        org: OrgId::parse("uni").expect("an id"),
        settings: Settings::new(name, sender),
        created_at: "2026-01-01T00:00:00Z".to_owned(),
        senders: None,
        undated_zone: None,
    }
}

fn template(name: &str, facts: &[(&str, &str, &str)], design: &Design) -> Template {
    let custom = facts.iter().enumerate().map(|(n, (es, en, value))| CustomField {
        key: Key::parse(&format!("fact_{n}")).expect("a key"),
        label: CustomLabel { es: (*es).to_owned(), en: (*en).to_owned(), more: Default::default() },
        kind: CustomKind::List,
        values: vec![(*value).to_owned()],
        required: false,
        private: false,
    });
    let id = match design.layout {
        Layout::Classic => "550e8400-e29b-41d4-a716-446655440000",
        Layout::Academic => "550e8400-e29b-41d4-a716-446655440001",
        Layout::Modern => "550e8400-e29b-41d4-a716-446655440002",
        Layout::Plain => "550e8400-e29b-41d4-a716-446655440003",
    };
    Template {
        v: 1,
        id: TemplateId::parse(id).expect("an id"),
        version: 1,
        archived: false,
        updated_at: "2026-01-01T00:00:00Z".to_owned(),
        created_at: "2026-01-01T00:00:00Z".to_owned(),
        definition: Definition {
            name: name.to_owned(),
            description: String::new(),
            language: None,
            achievement: Achievement::default(),
            fields: Vec::new(),
            custom_fields: custom.collect(),
            validity_months: None,
            design: None,
        },
        facts: std::collections::BTreeMap::default(),
    }
}

fn person(name: &str, office: &str) -> Signatory {
    Signatory { name: name.to_owned(), office: Some(office.to_owned()), signature: None }
}

const FEW: [(&str, &str, &str); 3] = [
    ("Calificación", "Grade", "6,5"),
    ("Duración", "Duration", "120 horas"),
    ("Modalidad", "Mode", "En línea"),
];
const MANY: [(&str, &str, &str); 9] = [
    (
        "Calificación final ponderada del programa",
        "Final weighted grade of the programme",
        "6,5 con distinción máxima y felicitación unánime de la comisión",
    ),
    (
        "Duración en horas cronológicas",
        "Duration in hours",
        "1.240 horas, de ellas 400 de práctica profesional supervisada en hospitales públicos de la región",
    ),
    (
        "Modalidad",
        "Mode of study",
        "Semipresencial, con residencias en Valdivia, Osorno y Puerto Montt",
    ),
    ("Resolución", "Resolution", "Decreto universitario exento 2026/11874"),
    ("Registro", "Register", "Libro XII, foja 2.418, número 11.904"),
    (
        "Título previo",
        "Prior degree",
        "Licenciatura en Ciencias de la Ingeniería y Gestión Sostenible de Recursos Hídricos",
    ),
    ("Mención", "Major", "Hidrología de cuencas y glaciares australes"),
    ("Comisión", "Committee", "Dra. Aguirrezabalaga, Dr. von Schwarzenberg, Dra. Ñanculef"),
    ("Sede", "Campus", "Isla Teja"),
];
const LEGAL: &str = "Documento firmado electrónicamente conforme a la Ley 19.799 sobre documentos electrónicos, firma electrónica y servicios de certificación; su autenticidad se comprueba en la dirección que se indica arriba. ";

/// A view: with the least of everything, or the most.
fn view(design: Design, length: Length, name: Option<&str>, award: Option<&str>) -> CredentialView {
    let most = length == Length::Longest;
    let (of, title): (&str, &str) = if most {
        (
            "Pontificia Universidad Católica del Sur de Chile y Facultad Latinoamericana de Ciencias del Agua",
            "Diplomado internacional en gestión integrada de recursos hídricos, cambio climático y gobernanza de cuencas transfronterizas",
        )
    } else {
        ("Universidad Austral", "Análisis de datos")
    };
    let facts = if most { MANY.as_slice() } else { FEW.as_slice() };
    let organization = organization(of);
    let template = template(award.unwrap_or(title), facts, &design);
    let now: Timestamp = "2026-11-15T12:00:00Z".parse().expect("an instant");
    let site_url = "https://credenciales.ejemplo.edu";
    let (organization, template) = (&organization, &template);
    let subject = Subject::Nobody(length);
    let sample = Sample { site_url, organization, template, design, subject, lang: Lang::Es, now };
    let mut view = sample.view();
    view.sample = false;
    if let Some(name) = name {
        view.recipient_name = Some(name.to_owned());
    }
    view
}

/// A design: with the least of everything, or the most.
fn design(layout: Layout, paper: Paper, orientation: Orientation, most: bool) -> Design {
    let bare = Design { layout, paper, orientation, ..Design::default() };
    if !most {
        return bare;
    }
    Design {
        signatories: vec![
            person("Dra. María Fernanda Aguirrezabalaga Villavicencio", "Rectora"),
            person("Dr. Juan von Schwarzenberg", "Secretario general"),
            person(
                "Dra. Rayén Ñanculef",
                "Directora de la Escuela de Graduados y de Formación Continua",
            ),
            person("د. فاطمة الزهراء", "Decana"),
            person("李小龍", "Director del programa"),
        ],
        second_language: Some(Lang::En),
        place: Some("Valdivia".to_owned()),
        legal: vec![LEGAL.trim().to_owned(); 3],
        ..bare
    }
}

fn drawn(view: &CredentialView) -> Sheet {
    let svg = Svg::read(SIGNATURE).expect("a drawing");
    let picture = Picture { kind: ImageKind::Svg, file: svg.bytes().to_vec() };
    let mut signatures = vec![Some(picture); view.design.signatories.len()];
    if let Some(none) = signatures.last_mut() {
        *none = None;
    }
    let mut mark = Sheet::new(180.0, 48.0, &[]);
    mark.rectangle(0.0, 0.0, 48.0, 48.0, ACCENT);
    mark.rectangle(60.0, 14.0, 120.0, 20.0, ACCENT);
    let logo = crate::pixels::png(&mark, 540).expect("a logo");
    let logo = view.design.logo.then_some(logo.as_slice());
    let pictures = Pictures { logo, badge: None, backdrop: None, signatures: &signatures };
    sheet(view, &pictures, Lang::Es)
}

const NAMES: [Option<&str>; 4] = [
    None,
    Some("فاطمة الزهراء بنت محمد الشريف"),
    Some("李小龍"),
    Some("Donaudampfschifffahrtsgesellschaftskapitänsanwärter"),
];

/// What a page has to bear: with the least of everything or the most, a name, and how many sign.
fn loads() -> Vec<(Length, Option<&'static str>, usize)> {
    let shortest = NAMES.map(|name| (Length::Shortest, name, 0));
    let signed = (0..=5).map(|count| (Length::Longest, None, count));
    let named = NAMES.iter().skip(1).map(|name| (Length::Longest, *name, 5));
    shortest.into_iter().chain(signed).chain(named).collect()
}

fn texts_stay_apart(layout: Layout) {
    for paper in Paper::ALL {
        for orientation in Orientation::ALL {
            for (length, name, count) in loads() {
                // How many sign changes nothing but widths: on one paper it is tried in full.
                if *paper == Paper::Letter && length == Length::Longest && count < 5 {
                    continue;
                }
                let mut design = design(layout, *paper, *orientation, length == Length::Longest);
                design.signatories.truncate(count);
                let sheet = drawn(&view(design, length, name, None));
                let case = format!("{paper:?} {orientation:?} {length:?} {name:?} {count}");
                apart(&sheet, &case);
            }
        }
    }
}

#[test]
fn texts_of_classic_stay_on_the_page_and_apart() {
    texts_stay_apart(Layout::Classic);
}

#[test]
fn texts_of_academic_stay_on_the_page_and_apart() {
    texts_stay_apart(Layout::Academic);
}

#[test]
fn texts_of_modern_stay_on_the_page_and_apart() {
    texts_stay_apart(Layout::Modern);
}

#[test]
fn texts_of_plain_stay_on_the_page_and_apart() {
    texts_stay_apart(Layout::Plain);
}

/// Each text is on the page, and over no other.
fn apart(sheet: &Sheet, case: &str) {
    let boxes = sheet.boxes();
    assert!(boxes.len() > 5, "{case}");
    for (n, (text, [left, top, right, bottom])) in boxes.iter().enumerate() {
        let inside = *left >= 20.0
            && *top >= 20.0
            && *right <= sheet.width - 20.0
            && *bottom <= sheet.height - 20.0;
        assert!(inside, "{case}: {text} {left} {top} {right} {bottom}");
        for (other, [l, t, r, b]) in boxes.iter().skip(n + 1) {
            let over = left < r && l < right && top + 0.3 < *b && t + 0.3 < *bottom;
            assert!(!over, "{case}: {text} | {other}: {top} {bottom} {t} {b}");
        }
    }
}

#[test]
fn a_background_covers_the_page_a_frame_is_stretched_and_both_are_decoration() {
    // A square, red above: a lying page cuts that off where the square covers it.
    let svg = br##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><rect width="100" height="10" fill="#f00"/><rect y="10" width="100" height="90" fill="#00f"/></svg>"##;
    let svg = Svg::read(svg).expect("a drawing");
    let mut square = Sheet::new(100.0, 100.0, &[]);
    square.rectangle(0.0, 0.0, 100.0, 10.0, Colour(255, 0, 0, 1.0));
    square.rectangle(0.0, 10.0, 100.0, 90.0, Colour(0, 0, 255, 1.0));
    let png = crate::pixels::png(&square, 100).expect("a picture");
    let pictures = [(ImageKind::Svg, svg.bytes().to_vec()), (ImageKind::Png, png)];
    for (kind, file) in pictures {
        for (lies, red) in [(BackdropKind::Background, false), (BackdropKind::Frame, true)] {
            let id = ImageId::parse(&format!("uni.{}", "0".repeat(32))).expect("an id");
            let image = Image { id, width: 100, height: 100, kind };
            let mut view = view(Design::default(), Length::Shortest, None, None);
            view.design.backdrop = Some(Backdrop { kind: lies, image });
            let backdrop = Picture { kind, file: file.clone() };
            let pictures = Pictures { backdrop: Some(&backdrop), ..Pictures::default() };
            let sheet = sheet(&view, &pictures, Lang::Es);
            let untagged = sheet.nodes.iter().any(|node| matches!(node, Node::Picture(..)));
            assert!(untagged, "{kind:?} {lies:?}");
            let pixels = crate::pixels::png(&sheet, 842).expect("pixels");
            let pixels = Pixmap::decode_png(&pixels).expect("pixels");
            let corner = pixels.pixel(5, 5).expect("a pixel");
            // White covers a background this dark; its colours stay.
            assert_eq!(corner.red() > corner.blue(), red, "{kind:?} {lies:?}");
            crate::certificate::pdf(&sheet, &view, b"{}", Lang::Es).expect("a PDF file");
        }
    }
}

#[test]
fn a_name_is_on_the_ring_of_its_seal_unless_it_would_be_too_small() {
    for (award, ringed) in
        [("Análisis de datos", true), ("Gestión ".repeat(14).trim(), false), ("\u{e000}", false)]
    {
        let view = view(Design::default(), Length::Shortest, None, Some(award));
        let badge = crate::drawing::badge(&view, None, None, Lang::Es);
        let turned =
            |nodes: &[Node]| nodes.iter().filter(|node| matches!(node, Node::Moved(..))).count();
        let letters: usize = badge
            .nodes
            .iter()
            .map(|node| match node {
                Node::Tagged(_, nodes) => turned(nodes),
                _ => 0,
            })
            .sum();
        assert_eq!(letters, if ringed { award.chars().count() } else { 0 }, "{award}");
        assert!(badge.unknown.is_empty(), "{award}");
    }
}
