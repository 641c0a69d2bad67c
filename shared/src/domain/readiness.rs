//! What a template lacks for a rich badge: what wallets, job portals and skill passports show and search.
//! It is advice; nothing is refused for it.

use serde_json::{Value, json};

use crate::domain::{field::Label, lang::Lang, template::Definition};

/// Fewest characters of a description that tells a stranger something.
const TELLING: usize = 60;

/// A part of a rich badge.
struct Part {
    code: &'static str,
    /// The field that holds it: a JSON Pointer into the template.
    pointer: &'static str,
    is_there: fn(&Definition) -> bool,
    advice: Label,
}

const PARTS: [Part; 10] = [
    Part {
        code: "description",
        pointer: "/description",
        is_there: |d| d.description.chars().count() >= TELLING && d.description != d.name,
        advice: Label {
            es: "Describe el logro en unas frases: qué es, para quién y qué duración tiene",
            en: "Describe the achievement in some sentences: what it is, for whom, and how long it takes",
        },
    },
    Part {
        code: "criteria",
        pointer: "/achievement/criteria",
        is_there: |d| d.achievement.criteria.is_some(),
        advice: Label {
            es: "Di qué hay que hacer para obtenerlo: sin criterios se firma la descripción en su lugar",
            en: "Say what has to be done to earn it: without criteria the description is signed in their place",
        },
    },
    Part {
        code: "criteria_url",
        pointer: "/achievement/criteria_url",
        is_there: |d| d.achievement.criteria_url.is_some(),
        advice: Label {
            es: "Enlaza la página del programa o del curso",
            en: "Link the page of the programme or course",
        },
    },
    Part {
        code: "type",
        pointer: "/achievement/type",
        is_there: |d| d.achievement.kind.is_some(),
        advice: Label {
            es: "Di de qué tipo es: Course, Certificate, Degree u otro",
            en: "Say of which type it is: Course, Certificate, Degree or another",
        },
    },
    Part {
        code: "image",
        pointer: "/achievement/image",
        is_there: |d| d.achievement.image.is_some(),
        advice: Label {
            es: "Pon una insignia propia: sin ella se dibuja un sello",
            en: "Give it a badge of its own: without one a seal is drawn",
        },
    },
    Part {
        code: "alignments",
        pointer: "/achievement/alignments",
        is_there: |d| !d.achievement.alignments.is_empty(),
        advice: Label {
            es: "Enlaza las competencias que acredita en un marco conocido, como ESCO: por ellas se encuentra y se compara",
            en: "Link the skills that it stands for in a known framework, such as ESCO: it is found and compared by them",
        },
    },
    Part {
        code: "tags",
        pointer: "/achievement/tags",
        is_there: |d| !d.achievement.tags.is_empty(),
        advice: Label {
            es: "Añade etiquetas: las palabras con que alguien la buscaría",
            en: "Add tags: the words under which somebody would look for it",
        },
    },
    Part {
        code: "field_of_study",
        pointer: "/achievement/field_of_study",
        is_there: |d| d.achievement.field_of_study.is_some(),
        advice: Label {
            es: "Di a qué área pertenece",
            en: "Say to which field of study it belongs",
        },
    },
    Part {
        code: "human_code",
        pointer: "/achievement/human_code",
        is_there: |d| d.achievement.human_code.is_some(),
        advice: Label {
            es: "Pon el código del curso o programa, con que se lo conoce en la institución",
            en: "Give the code of the course or programme by which the institution knows it",
        },
    },
    Part {
        code: "language",
        pointer: "/language",
        is_there: |d| d.language.is_some(),
        advice: Label {
            es: "Di en qué idioma está escrita la plantilla",
            en: "Say in which language the template is written",
        },
    },
];

/// The answer of `GET /templates/{id}/readiness`, without the costs: each part with whether it is
/// there, and advice where it is not.
pub fn readiness(definition: &Definition, lang: Lang) -> Value {
    let parts = PARTS.iter().map(|part| {
        let is_there = (part.is_there)(definition);
        json!({
            "code": part.code, "pointer": part.pointer, "present": is_there,
            "advice": (!is_there).then(|| part.advice.text(lang)),
        })
    });
    let missing = PARTS.iter().filter(|part| !(part.is_there)(definition)).count();
    json!({
        "ready": missing == 0, "present": PARTS.len() - missing, "total": PARTS.len(),
        "parts": parts.collect::<Vec<Value>>(),
    })
}
