//! The console: from a file to credentials, for people who do not write programs.
//!
//! It is a client of the API like any other: the page has no data of its own, and the key that a
//! person types stays in the page's memory. The page holds its words in both languages, so that a
//! change of language keeps key, file and review.

mod review_texts;
mod texts;

use maud::{Markup, html};
use serde_json::{Map, Value, json};

use super::frame::{CONSOLE_SCRIPT, Frame};
use crate::{
    domain::{encoding::Encoding, lang::Lang, undelivered::Undelivered},
    sheet::offered,
    web::pages::console::{review_texts::REVIEW_TEXTS, texts::TEXTS},
};

/// The languages of staff.
const STAFF: [Lang; 2] = [Lang::Es, Lang::En];

/// All texts, by name: Spanish, English.
fn texts() -> impl Iterator<Item = &'static (&'static str, &'static str, &'static str)> {
    TEXTS.iter().chain(REVIEW_TEXTS)
}

/// The texts of the page in a language.
#[derive(Clone, Copy)]
struct Texts(Lang);

impl Texts {
    /// The text of a name.
    fn of(self, name: &str) -> &'static str {
        let found = texts().find(|(known, ..)| *known == name);
        found.map_or("", |(_, es, en)| self.0.pick(es, en))
    }
}

/// The words of the script in a language: texts, columns and encodings as people name them.
fn words(lang: Lang) -> Value {
    let texts: Map<String, Value> =
        texts().map(|(name, es, en)| ((*name).to_owned(), lang.pick(*es, *en).into())).collect();
    let further =
        ["external_id", "language"].map(|name| (name.to_owned(), Texts(lang).of(name).into()));
    let columns: Map<String, Value> = offered::names()
        .into_iter()
        .map(|column| (column.field.to_owned(), lang.pick(column.es, column.en).into()))
        .chain(further)
        .collect();
    let encodings: Map<String, Value> = Encoding::ALL
        .iter()
        .map(|encoding| (encoding.as_str().to_owned(), encoding.label(lang).into()))
        .collect();
    let undelivered: Map<String, Value> = Undelivered::ALL
        .into_iter()
        .map(|why| (why.as_str().to_owned(), Undelivered::text_of(why.as_str(), lang).into()))
        .collect();
    json!({
        "texts": texts, "columns": columns, "encodings": encodings, "undelivered": undelivered,
    })
}

/// The console's page.
pub fn console(site_url: &str, lang: Lang) -> String {
    let both = json!({ "es": words(Lang::Es), "en": words(Lang::En) }).to_string();
    let t = Texts(lang);
    let title = t.of("title");
    let main = html! {
        div.console id="console" data-words=(both) data-lang=(lang.tag()) {
            h1 data-t="title" { (title) }
            noscript { p.card.notice { (t.of("no_script")) } }
            p.problem role="alert" id="problem" hidden {}
            (sign_in(t))
            (choose(t))
            (check(t))
            (follow(t))
            (personal(t))
        }
    };
    Frame { site_url, script: CONSOLE_SCRIPT, langs: &STAFF, ..Frame::of(lang, title) }
        .around(&main, None)
}

/// A step of the way; all but the first are hidden until they come.
fn step(id: &str, hidden: bool, t: Texts, title: &str, body: &Markup) -> Markup {
    html! {
        section.card.step id=(id) hidden[hidden] aria-labelledby={ (id) "-title" } {
            h2.h2 id={ (id) "-title" } tabindex="-1" data-t=(title) { (t.of(title)) }
            (body)
        }
    }
}

fn sign_in(t: Texts) -> Markup {
    let body = html! {
        form id="key-form" {
            label for="key" data-t="key" { (t.of("key")) }
            div.line {
                input type="password" id="key" autocomplete="off" spellcheck="false" required;
                button.button.first type="submit" id="sign-in-button" data-t="enter" { (t.of("enter")) }
            }
            p.soft data-t="key_stays" { (t.of("key_stays")) }
        }
    };
    step("sign-in", false, t, "your_key", &body)
}

fn choose(t: Texts) -> Markup {
    let body = html! {
        p.mode id="mode" {}
        label for="template" data-t="template" { (t.of("template")) }
        div.line {
            select id="template" autocomplete="off" {}
            button.button type="button" id="example" data-t="example" { (t.of("example")) }
        }
        p.soft id="made" {}
        p.soft id="columns" {}
        label.drop for="file" id="drop" {
            span.drop-title data-t="drop" { (t.of("drop")) }
            span.soft data-t="formats" { (t.of("formats")) }
            input type="file" id="file" aria-describedby="chosen" accept=".csv,.tsv,.txt,.json,.jsonl,.ndjson,.xlsx,.xlsm,.xls,.ods,text/csv";
            span.chosen id="chosen" dir="auto" {}
        }
        details id="paste" {
            summary data-t="paste" { (t.of("paste")) }
            label for="pasted" data-t="paste_help" { (t.of("paste_help")) }
            textarea id="pasted" rows="3" autocomplete="off" spellcheck="false" dir="auto" {}
            p { button.button type="button" id="use-pasted" data-t="use_pasted" { (t.of("use_pasted")) } }
        }
        label.check {
            input type="checkbox" id="mail" autocomplete="off" checked;
            span data-t="tell" { (t.of("tell")) }
        }
        (sheet_choices(t))
        div id="readings" hidden {
            h3 data-t="readings" { (t.of("readings")) }
            ul.readings id="readings-list" {}
        }
        details id="columns-read" hidden {
            summary data-t="columns_read" { (t.of("columns_read")) }
            p data-t="columns_help" { (t.of("columns_help")) }
            div id="columns-table" {}
            (assignments(t))
        }
        label.check id="day-first-choice" hidden {
            input type="checkbox" id="day-first" autocomplete="off";
            span data-t="day_first" { (t.of("day_first")) }
        }
        label.check id="correct-choice" hidden {
            input type="checkbox" id="correct" autocomplete="off";
            span data-t="correct" { (t.of("correct")) }
        }
        p { button.button.first type="button" id="dry-run" disabled data-t="dry_run" { (t.of("dry_run")) } }
    };
    step("choose", true, t, "choose", &body)
}

/// What is asked of a spreadsheet: which of its sheets, and whether its hidden rows are read.
fn sheet_choices(t: Texts) -> Markup {
    let choice = |value: &str, text: &str| {
        html! {
            label.check {
                input type="radio" name="hidden" value=(value) autocomplete="off";
                span data-t=(text) { (t.of(text)) }
            }
        }
    };
    html! {
        div id="sheet-choice" hidden {
            label for="sheet" data-t="sheet" { (t.of("sheet")) }
            div.line { select id="sheet" autocomplete="off" dir="auto" {} }
        }
        fieldset.hidden-choice id="hidden-choice" hidden {
            legend data-t="hidden_rows" { (t.of("hidden_rows")) }
            (choice("skip", "hidden_skip"))
            (choice("read", "hidden_read"))
        }
    }
}

/// What was said of columns, kept under a name.
fn assignments(t: Texts) -> Markup {
    html! {
        div.assignments id="assignments-kept" hidden {
            label for="assignments" data-t="kept_assignments" { (t.of("kept_assignments")) }
            div.line {
                select id="assignments" autocomplete="off" dir="auto" {}
                button.button type="button" id="forget-assignment" disabled data-t="forget_assignment" { (t.of("forget_assignment")) }
            }
        }
        form.assignments id="assignment-form" {
            label for="assignment-name" data-t="keep_assignment" { (t.of("keep_assignment")) }
            div.line {
                input type="text" id="assignment-name" maxlength="60" autocomplete="off" dir="auto";
                button.button type="submit" data-t="keep_it" { (t.of("keep_it")) }
            }
            p.soft role="status" id="assignment-said" {}
        }
    }
}

/// The ways through the pages of a table.
fn pages(t: Texts, id: &str) -> Markup {
    html! {
        nav.pages id=(id) hidden aria-label=(t.of("rows_pages")) data-label="rows_pages" {
            button.button type="button" data-t="earlier" { (t.of("earlier")) }
            span {}
            button.button type="button" data-t="later" { (t.of("later")) }
        }
    }
}

/// The button that shows further rows of a table.
fn more(t: Texts, id: &str) -> Markup {
    html! { p { button.button type="button" id=(id) hidden data-t="more" { (t.of("more")) } } }
}

fn check(t: Texts) -> Markup {
    let body = html! {
        div id="check-progress" {
            progress id="check-bar" aria-label=(t.of("check_progress")) data-label="check_progress" {}
            p.soft role="status" id="check-status" {}
        }
        div id="check-result" hidden {
            dl.facts id="review-facts" {}
            div.guesses id="guesses" {}
            ul.sums id="sums" {}
            div.beside {
                div.pictures id="pictures" {}
                div.tables {
                    div id="rows" {}
                    (pages(t, "rows-pages"))
                }
            }
            div id="corrections" {}
            (more(t, "more-corrections"))
            div id="warnings" {}
            div id="faults" {}
            (pages(t, "faults-pages"))
            p { button.button type="button" id="faulty-file" hidden data-t="faulty_file" { (t.of("faulty_file")) } }
            div.offer id="offer" hidden {
                p data-t="offer" { (t.of("offer")) }
                p { button.button type="button" id="see-corrections" data-t="see_corrections" { (t.of("see_corrections")) } }
            }
            div.offer id="mending" hidden {
                p role="status" id="mending-count" {}
                p.soft data-t="mending_help" { (t.of("mending_help")) }
                div.line {
                    button.button.first type="button" id="see-copy" {}
                    button.button type="button" id="drop-mends" data-t="drop_mends" { (t.of("drop_mends")) }
                }
            }
            p.last { button.button.first type="button" id="issue" {} }
            p.soft id="faults-later" data-t="faults_later" { (t.of("faults_later")) }
        }
    };
    step("check", true, t, "check", &body)
}

fn follow(t: Texts) -> Markup {
    let body = html! {
        progress id="bar" max="1" value="0" aria-label=(t.of("issue_progress")) data-label="issue_progress" {}
        p role="status" id="status" {}
        p.soft id="keep" data-t="keep" { (t.of("keep")) }
        ul.sums id="totals" {}
        div id="undelivered" {}
        (more(t, "more-undelivered"))
        p { button.button.first type="button" id="results" hidden data-t="results" { (t.of("results")) } }
        (prints(t))
        p { button.button type="button" id="again" hidden data-t="again" { (t.of("again")) } }
    };
    step("follow", true, t, "follow", &body)
}

/// The certificates of a job that has ended, in one archive.
fn prints(t: Texts) -> Markup {
    html! {
        div id="prints" hidden {
            h3 data-t="prints" { (t.of("prints")) }
            p.soft data-t="prints_help" { (t.of("prints_help")) }
            progress id="print-bar" max="1" hidden aria-label=(t.of("print_progress")) data-label="print_progress" {}
            p role="status" id="print-status" {}
            div.line id="print-files" {}
            p.soft id="print-kept" hidden data-t="print_kept" { (t.of("print_kept")) }
            p { button.button type="button" id="print" data-t="print" { (t.of("print")) } }
        }
    }
}

/// What is done at a person's request. It comes last and is folded: who issues a file passes it by.
fn personal(t: Texts) -> Markup {
    html! {
        section.card.step id="personal" hidden aria-labelledby="personal-title" {
            details {
                summary { h2.h2 id="personal-title" data-t="personal" { (t.of("personal")) } }
                p.soft data-t="personal_help" { (t.of("personal_help")) }
                form id="person-form" {
                    label for="person" data-t="person" { (t.of("person")) }
                    div.line {
                        input type="text" inputmode="email" id="person" autocomplete="off" autocapitalize="off" spellcheck="false" required aria-describedby="person-problem";
                        button.button type="submit" id="person-see" data-t="person_see" { (t.of("person_see")) }
                    }
                    p.problem role="alert" id="person-problem" hidden {}
                }
                (person_held(t))
                (person_erase(t))
                (person_work(t))
            }
        }
    }
}

fn person_held(t: Texts) -> Markup {
    html! {
        div id="person-held" hidden {
            h3 id="person-held-title" tabindex="-1" {}
            p id="person-count" {}
            div id="person-list" {}
            p.soft id="person-besides" {}
            div.line {
                button.button type="button" id="person-export" data-t="person_export" { (t.of("person_export")) }
                button.button type="button" id="person-begin" data-t="person_begin" { (t.of("person_begin")) }
            }
        }
    }
}

fn person_erase(t: Texts) -> Markup {
    html! {
        form.offer id="erase-form" novalidate hidden {
            h3 id="erase-title" tabindex="-1" data-t="erase_title" { (t.of("erase_title")) }
            p data-t="erase_warning" { (t.of("erase_warning")) }
            label for="erase-reason" data-t="erase_reason" { (t.of("erase_reason")) }
            div.line { input type="text" id="erase-reason" maxlength="500" autocomplete="off" required aria-describedby="erase-reason-problem"; }
            p.problem role="alert" id="erase-reason-problem" hidden {}
            label.check {
                input type="checkbox" id="erase-keep" autocomplete="off" checked aria-describedby="erase-keep-help";
                span data-t="erase_keep" { (t.of("erase_keep")) }
            }
            p.soft id="erase-keep-help" data-t="erase_keep_help" { (t.of("erase_keep_help")) }
            label for="erase-again" id="erase-again-label" {}
            div.line { input type="text" id="erase-again" autocomplete="off" autocapitalize="off" spellcheck="false" required aria-describedby="erase-again-problem"; }
            p.problem role="alert" id="erase-again-problem" hidden {}
            div.line {
                button.button.danger type="submit" id="erase-now" {}
                button.button type="button" id="erase-cancel" data-t="erase_cancel" { (t.of("erase_cancel")) }
            }
        }
    }
}

fn person_work(t: Texts) -> Markup {
    html! {
        div id="person-work" hidden {
            h3 id="person-work-title" tabindex="-1" {}
            progress id="person-bar" max="1" aria-label=(t.of("person_progress")) data-label="person_progress" {}
            p role="status" id="person-status" {}
            p.soft id="person-goes-on" data-t="person_goes_on" { (t.of("person_goes_on")) }
            ul.sums id="person-sums" {}
            p { button.button.first type="button" id="person-file" hidden data-t="person_file" { (t.of("person_file")) } }
            p.soft id="person-kept" hidden data-t="person_kept" { (t.of("person_kept")) }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The names after a mark in a text.
    fn named<'a>(text: &'a str, mark: &str) -> BTreeSet<&'a str> {
        let ends = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
        text.split(mark).skip(1).filter_map(|rest| rest.split(ends).next()).collect()
    }

    #[test]
    fn every_text_of_the_page_has_both_languages_and_no_text_is_idle() {
        let page = console("https://ejemplo.com", Lang::Es);
        let mut used = named(&page, "data-t=\"");
        used.extend(named(&page, "data-label=\""));
        used.extend(named(CONSOLE_SCRIPT, "T."));
        used.extend(named(CONSOLE_SCRIPT, "words.texts."));
        used.extend(named(CONSOLE_SCRIPT, "refuse(\""));
        used.extend(named(CONSOLE_SCRIPT, "wrong(\"person\", \""));
        used.extend(named(CONSOLE_SCRIPT, "loseFile(\""));
        used.extend(named(CONSOLE_SCRIPT, "sum(\""));
        used.extend(named(CONSOLE_SCRIPT, "denied: \""));
        let known: BTreeSet<&str> = texts().map(|(name, ..)| *name).collect();
        assert_eq!(known.len(), texts().count(), "no name is given twice");
        for name in &used {
            assert!(name.is_empty() || known.contains(name), "{name} has no text");
        }
        // Names that the script puts together or chooses among, and those that this file reads.
        let others = [
            "r_",
            "to_",
            "waits_",
            "issue_",
            "correct_",
            "st_",
            "ph_",
            "pic_",
            "mended_",
            "person_credentials",
            "person_profiles",
            "person_rows",
            "person_files",
            "erase_no_reason",
            "erase_other",
            "reading",
            "issuing",
            "mailing",
            "one_file",
            "too_large",
            "empty",
            "external_id",
            "language",
            "no_manage",
            "no_scope",
            "no_script",
        ];
        for name in known {
            // The word for one stands beside that for several.
            let stem = name.strip_suffix("_1").unwrap_or(name);
            let idle = !used.contains(stem)
                && !used.contains(name)
                && !others.iter().any(|start| name.starts_with(start));
            assert!(!idle, "{name} is said nowhere");
        }
        for (name, es, en) in texts() {
            assert!(!es.is_empty() && !en.is_empty(), "{name}");
            assert!(!es.contains("POST") && !es.contains("/api"), "{name} is for people");
        }
    }
}
