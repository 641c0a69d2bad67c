//! The texts that graduates read, a file a language: pages, mail, certificate, wallet.
//!
//! A text that a language lacks does not compile, and neither does one that nothing shows. A text with
//! parameters is a function, so that each language has its own grammar. Texts of staff (command line,
//! console, problems of the API, faults of rows) are in Spanish and English beside the code that
//! writes them: [`Lang::pick`](super::lang::Lang::pick). To add a language: CONTRIBUTING.md.

pub(super) mod en;
pub(super) mod es;
pub(super) mod pt;

/// The texts of a language.
pub struct Texts {
    /// The tag (BCP 47) in addresses, attributes and data.
    pub(crate) tag: &'static str,
    /// The language's own name.
    pub(crate) name: &'static str,
    /// What files call it, in lower case.
    pub(crate) called: &'static [&'static str],
    /// The locale of Open Graph.
    pub(crate) locale: &'static str,
    /// The months in a date.
    pub(crate) months: [&'static str; 12],
    /// A date: day, month in letters, year.
    pub(crate) date: fn(i8, &str, i16) -> String,
    /// The decimal mark.
    pub(crate) decimal_mark: &'static str,
    /// The word before the last entry of a list.
    pub(crate) and: &'static str,
    /// The label of the switch of languages.
    pub(crate) language: &'static str,
    /// The word on a test credential.
    pub test: &'static str,
    /// The word across a test credential.
    pub(crate) test_watermark: &'static str,
    /// The word across a sample of a certificate.
    pub(crate) sample_watermark: &'static str,
    /// The recipient's fields: the label on pages, and the shorter one on certificates.
    pub(crate) fields: FieldTexts,
    /// Further facts of a credential, on page and certificate.
    pub(crate) facts: FactTexts,
    /// The states of a credential.
    pub(crate) states: StateTexts,
    /// The checks of a document and their results.
    pub(crate) checks: CheckTexts,
    /// The page of a credential.
    pub(crate) page: PageTexts,
    /// Pages in place of what cannot be shown.
    pub(crate) notices: NoticeTexts,
    /// The page of an achievement.
    pub(crate) achievement: AchievementTexts,
    /// The achievement types of Open Badges 3.0.
    pub(crate) achievement_types: AchievementTypeTexts,
    /// The page of a wallet, and what stands in its place.
    pub(crate) wallet: WalletTexts,
    /// The page of whoever lost the link to their wallet.
    pub(crate) lost_link: LostLinkTexts,
    /// The page on which anybody checks a credential.
    pub(crate) verify: VerifyTexts,
    /// What is wrong with a file in which a credential is looked for.
    pub(crate) files: FileTexts,
    /// The home page of the site.
    pub(crate) home: HomeTexts,
    /// Certificate, preview and badge.
    pub certificate: CertificateTexts,
    /// The letter that announces a credential.
    pub(crate) mail: MailTexts,
    /// The letter with the links to somebody's wallets.
    pub(crate) wallet_mail: WalletMailTexts,
}

/// The names of a field.
pub(crate) struct FieldText {
    /// On pages.
    pub(crate) label: &'static str,
    /// On a certificate, which has less room.
    pub(crate) short: &'static str,
}

/// A state that is not in force.
pub(crate) struct StateText {
    /// In one word.
    pub(crate) word: &'static str,
    /// In a sentence.
    pub(crate) text: &'static str,
}

/// The recipient's fields: the label on pages, and the shorter one on certificates.
pub(crate) struct FieldTexts {
    pub(crate) recipient_name: FieldText,
    pub(crate) result_value: FieldText,
    pub(crate) credits_earned: FieldText,
    pub(crate) evidence: FieldText,
    pub(crate) role: FieldText,
    pub(crate) license_number: FieldText,
    pub(crate) term: FieldText,
    pub(crate) activity_start_date: FieldText,
    pub(crate) activity_end_date: FieldText,
    pub(crate) awarded_on: FieldText,
    pub(crate) valid_until: FieldText,
}

/// Further facts of a credential, on page and certificate.
pub(crate) struct FactTexts {
    pub(crate) issued_on: &'static str,
    pub(crate) expired_on: &'static str,
    pub(crate) activity_date: &'static str,
    /// The beginning of a line that lists them.
    pub(crate) skills: &'static str,
    pub(crate) more_skills: fn(usize) -> String,
    pub(crate) evidence_hidden: &'static str,
    pub(crate) grade_hidden: &'static str,
    pub(crate) surname_hidden: &'static str,
}

/// The states of a credential.
pub(crate) struct StateTexts {
    pub(crate) issued: &'static str,
    pub(crate) expired: StateText,
    pub(crate) suspended: StateText,
    pub(crate) unverified: StateText,
    pub(crate) revoked: StateText,
}

/// The checks of a document and their results.
pub(crate) struct CheckTexts {
    /// Read out before a result.
    pub(crate) passed: &'static str,
    pub(crate) failed: &'static str,
    pub(crate) count: fn(usize, usize) -> String,
    pub(crate) skipped: &'static str,
    pub(crate) repeats: fn(&str) -> String,
    pub(crate) repeats_some: &'static str,
    pub(crate) contexts: &'static str,
    pub(crate) no_credential: &'static str,
    pub(crate) other_id: &'static str,
    pub(crate) document: &'static str,
    pub(crate) foreign_issuer: &'static str,
    pub(crate) no_proof: &'static str,
    pub(crate) unknown_key: &'static str,
    pub(crate) compromised_key: &'static str,
    pub(crate) issuer: fn(&str) -> String,
    pub(crate) signature: &'static str,
    pub(crate) uncovered: fn(&str) -> String,
    pub(crate) uncovered_some: &'static str,
    pub(crate) altered: &'static str,
    pub(crate) not_yet: &'static str,
    pub(crate) ended: &'static str,
    pub(crate) in_period: &'static str,
    pub(crate) endless: &'static str,
    pub(crate) no_list: &'static str,
    pub(crate) not_revoked: &'static str,
    pub(crate) suspended: &'static str,
    pub(crate) revoked: &'static str,
    pub(crate) replaced: &'static str,
    pub(crate) replaced_and_revoked: &'static str,
    /// What a signature does not cover; a place of the document is before it.
    pub(crate) unknown_term: &'static str,
    pub(crate) relative_iri: &'static str,
    pub(crate) control_character: &'static str,
    pub(crate) number_range: &'static str,
    pub(crate) repeated: &'static str,
    pub(crate) other_shape: &'static str,
    pub(crate) order: &'static str,
    /// The beginning of the note on a verified credential that was erased.
    pub(crate) valid: &'static str,
    pub(crate) withdrawn: &'static str,
    pub(crate) withdrawn_in_time: &'static str,
}

/// The page of a credential.
pub(crate) struct PageTexts {
    pub(crate) test: &'static str,
    /// Before a date, after a sentence.
    pub(crate) revoked_on: &'static str,
    pub(crate) awarded_to: &'static str,
    pub(crate) awarded_by: &'static str,
    pub(crate) linkedin: &'static str,
    pub(crate) certificate: &'static str,
    pub(crate) keep: &'static str,
    pub(crate) share: &'static str,
    pub(crate) copied: &'static str,
    pub(crate) about: fn(&str, &str) -> String,
    pub(crate) about_nameless: fn(&str) -> String,
    /// Before a date.
    pub(crate) corrected_on: &'static str,
    /// After that date.
    pub(crate) corrected_note: &'static str,
    /// Before the name of a verifier.
    pub(crate) elsewhere: &'static str,
    /// After that name.
    pub(crate) elsewhere_how: &'static str,
    pub(crate) left_out: fn(&str) -> String,
    pub(crate) description: &'static str,
    pub(crate) criteria: &'static str,
    pub(crate) skills: &'static str,
    pub(crate) about_achievement: &'static str,
    pub(crate) identifier: &'static str,
    pub(crate) address: &'static str,
    pub(crate) origin: &'static str,
    pub(crate) files: &'static str,
    pub(crate) copy: &'static str,
    pub(crate) print: &'static str,
    pub(crate) badge: &'static str,
    pub(crate) document: &'static str,
    pub(crate) qr: &'static str,
    pub(crate) carry_signature: &'static str,
    pub(crate) wallet: &'static str,
    pub(crate) wallet_test: &'static str,
    pub(crate) wallet_how: &'static str,
    pub(crate) qr_label: &'static str,
}

/// Pages in place of what cannot be shown.
pub(crate) struct NoticeTexts {
    pub(crate) not_found: &'static str,
    pub(crate) not_found_why: &'static str,
    pub(crate) not_found_ask: &'static str,
    pub(crate) no_achievement: &'static str,
    pub(crate) no_achievement_why: &'static str,
    pub(crate) erased: &'static str,
    pub(crate) erased_why: &'static str,
    pub(crate) ended: &'static str,
    pub(crate) ended_why: &'static str,
    pub(crate) erased_file: &'static str,
    pub(crate) wallet_erased: &'static str,
    pub(crate) unavailable: &'static str,
    pub(crate) unavailable_why: &'static str,
    pub(crate) try_later: &'static str,
    pub(crate) blocked: &'static str,
    pub(crate) blocked_why: &'static str,
    pub(crate) blocked_ask: &'static str,
    pub(crate) replaced_title: &'static str,
    pub(crate) replaced: &'static str,
    pub(crate) replaced_why: &'static str,
    pub(crate) replaced_by: &'static str,
    pub(crate) nowhere: &'static str,
    pub(crate) nowhere_why: &'static str,
    pub(crate) home: &'static str,
    pub(crate) not_taken: &'static str,
    pub(crate) not_taken_why: &'static str,
    pub(crate) gone: &'static str,
    pub(crate) gone_why: &'static str,
}

/// The page of an achievement.
pub(crate) struct AchievementTexts {
    /// Before a number.
    pub(crate) version_shown: &'static str,
    /// After that number, before another.
    pub(crate) version_newest: &'static str,
    pub(crate) archived: &'static str,
    pub(crate) awarded_by: &'static str,
    pub(crate) address: &'static str,
    pub(crate) version: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) code: &'static str,
    pub(crate) field_of_study: &'static str,
    pub(crate) specialization: &'static str,
    pub(crate) credits: &'static str,
    pub(crate) tags: &'static str,
}

/// The achievement types of Open Badges 3.0.
pub(crate) struct AchievementTypeTexts {
    pub(crate) achievement: &'static str,
    pub(crate) apprenticeship_certificate: &'static str,
    pub(crate) assessment: &'static str,
    pub(crate) assignment: &'static str,
    pub(crate) associate_degree: &'static str,
    pub(crate) award: &'static str,
    pub(crate) badge: &'static str,
    pub(crate) bachelor_degree: &'static str,
    pub(crate) certificate: &'static str,
    pub(crate) certificate_of_completion: &'static str,
    pub(crate) certification: &'static str,
    pub(crate) community_service: &'static str,
    pub(crate) competency: &'static str,
    pub(crate) course: &'static str,
    pub(crate) co_curricular: &'static str,
    pub(crate) degree: &'static str,
    pub(crate) diploma: &'static str,
    pub(crate) doctoral_degree: &'static str,
    pub(crate) fieldwork: &'static str,
    pub(crate) general_education_development: &'static str,
    pub(crate) journeyman_certificate: &'static str,
    pub(crate) learning_program: &'static str,
    pub(crate) license: &'static str,
    pub(crate) master_degree: &'static str,
    pub(crate) master_certificate: &'static str,
    pub(crate) membership: &'static str,
    pub(crate) micro_credential: &'static str,
    pub(crate) professional_doctorate: &'static str,
    pub(crate) quality_assurance_credential: &'static str,
    pub(crate) research_doctorate: &'static str,
    pub(crate) secondary_school_diploma: &'static str,
}

/// The page of a wallet, and what stands in its place.
pub(crate) struct WalletTexts {
    pub(crate) title: &'static str,
    pub(crate) test: &'static str,
    /// Before a name.
    pub(crate) of: &'static str,
    pub(crate) empty: &'static str,
    pub(crate) withheld: &'static str,
    pub(crate) pages: &'static str,
    pub(crate) newest: &'static str,
    pub(crate) older: &'static str,
    /// Before a date.
    pub(crate) personal: &'static str,
    pub(crate) notices: &'static str,
    pub(crate) closed: &'static str,
    pub(crate) ended_why: &'static str,
    pub(crate) closed_why: &'static str,
    pub(crate) ask: &'static str,
    pub(crate) pages_stay: &'static str,
}

/// The page of whoever lost the link to their wallet.
pub(crate) struct LostLinkTexts {
    pub(crate) title: &'static str,
    pub(crate) asked: &'static str,
    pub(crate) asked_what: &'static str,
    pub(crate) asked_nothing: &'static str,
    pub(crate) no_sender: &'static str,
    pub(crate) unavailable: &'static str,
    pub(crate) passing: &'static str,
    pub(crate) site: &'static str,
    pub(crate) lead: &'static str,
    pub(crate) email: &'static str,
    pub(crate) no_address: &'static str,
    pub(crate) send: &'static str,
}

/// The page on which anybody checks a credential.
pub(crate) struct VerifyTexts {
    pub(crate) title: &'static str,
    pub(crate) lead: &'static str,
    /// Before the site's host.
    pub(crate) site: &'static str,
    /// After that host.
    pub(crate) not_kept: &'static str,
    pub(crate) another: &'static str,
    pub(crate) file: &'static str,
    pub(crate) file_hint: &'static str,
    pub(crate) text: &'static str,
    pub(crate) check: &'static str,
    pub(crate) latest_page: &'static str,
    pub(crate) its_page: &'static str,
    /// Before a date.
    pub(crate) revoked_on: &'static str,
    pub(crate) issued_by: &'static str,
    /// Before the site's host.
    pub(crate) at: &'static str,
    pub(crate) credential: &'static str,
    pub(crate) date: &'static str,
    pub(crate) expiry: &'static str,
    pub(crate) endless: &'static str,
    pub(crate) unconfirmed: &'static str,
    pub(crate) not_yet: &'static str,
    pub(crate) valid: &'static str,
    pub(crate) valid_why: &'static str,
    pub(crate) expired: &'static str,
    pub(crate) suspended: &'static str,
    pub(crate) revoked: &'static str,
    pub(crate) superseded: &'static str,
    pub(crate) replaced: &'static str,
    pub(crate) replaced_why: &'static str,
    pub(crate) test_why: &'static str,
    pub(crate) test: &'static str,
    pub(crate) altered: &'static str,
    pub(crate) status_unknown: &'static str,
    pub(crate) other_issuer: &'static str,
    pub(crate) withdrawn: &'static str,
    pub(crate) not_kept_longer: &'static str,
    pub(crate) unread: &'static str,
    pub(crate) paste: &'static str,
    pub(crate) nothing: &'static str,
    pub(crate) nothing_what: &'static str,
    pub(crate) no_address: &'static str,
    pub(crate) how_it_ends: &'static str,
    pub(crate) not_json: &'static str,
    pub(crate) several: &'static str,
    pub(crate) incomplete: &'static str,
    pub(crate) incomplete_why: &'static str,
    pub(crate) foreign: &'static str,
    pub(crate) foreign_why: &'static str,
    pub(crate) unknown: &'static str,
    pub(crate) unknown_why: &'static str,
    pub(crate) blocked: &'static str,
    pub(crate) blocked_why: &'static str,
    pub(crate) erased: &'static str,
    pub(crate) erased_file: &'static str,
    pub(crate) passing: &'static str,
}

/// What is wrong with a file in which a credential is looked for.
pub(crate) struct FileTexts {
    pub(crate) too_large: &'static str,
    pub(crate) document_too_large: &'static str,
    pub(crate) other: &'static str,
    pub(crate) nothing: &'static str,
    pub(crate) damaged: &'static str,
    pub(crate) encrypted: &'static str,
    pub(crate) several: &'static str,
}

/// The home page of the site.
pub(crate) struct HomeTexts {
    pub(crate) title: fn(&str) -> String,
    pub(crate) heading: &'static str,
    pub(crate) lead: &'static str,
    pub(crate) site: &'static str,
    pub(crate) verify: &'static str,
    pub(crate) by_link: &'static str,
    pub(crate) by_file: &'static str,
    pub(crate) lost: &'static str,
    pub(crate) lost_link: &'static str,
}

/// Certificate, preview and badge.
pub struct CertificateTexts {
    /// Between the organization and the recipient.
    pub awards_to: &'static str,
    /// Between the recipient and the award.
    pub the_credential: &'static str,
    /// Between the organization and the award, without a recipient.
    pub awards_the_credential: &'static str,
    /// The first sentence of the foot.
    pub signed: &'static str,
    /// Before the address of the page.
    pub checked_at: &'static str,
    /// The description of the attached document.
    pub attachment: &'static str,
    /// What the seal is, to who cannot see it: of an award, by an organization.
    pub seal: fn(&str, &str) -> String,
    /// What the badge is, likewise.
    pub badge: fn(&str, &str) -> String,
    /// What the logo is.
    pub logo: fn(&str) -> String,
    /// What the picture of a signature is.
    pub signature: fn(&str) -> String,
    /// What the address leads to.
    pub page: &'static str,
    /// What the QR code leads to.
    pub qr: &'static str,
    /// The beginning of the file's name.
    pub file_name: &'static str,
    /// The file's name, of a sample.
    pub sample_name: &'static str,
    /// In the preview, before the recipient.
    pub awarded_to: &'static str,
    /// The foot of the preview.
    pub verifiable: &'static str,
}

/// The letter that announces a credential.
pub(crate) struct MailTexts {
    /// The beginning of a test letter's subject.
    pub(crate) test_mark: &'static str,
    pub(crate) test: &'static str,
    pub(crate) greeting: fn(&str) -> String,
    pub(crate) greeting_nameless: &'static str,
    pub(crate) renewed_subject: fn(&str, &str) -> String,
    pub(crate) member_subject: fn(&str) -> String,
    pub(crate) external_subject: fn(&str, &str) -> String,
    pub(crate) renewed_lead: fn(&str, &str) -> String,
    pub(crate) member_lead: fn(&str) -> String,
    pub(crate) external_lead: fn(&str) -> String,
    pub(crate) valid_until: &'static str,
    pub(crate) to_wallet: &'static str,
    pub(crate) open_wallet: &'static str,
    pub(crate) public_page: &'static str,
    pub(crate) wallet_privacy: &'static str,
    pub(crate) to_page: &'static str,
    pub(crate) open_page: &'static str,
    pub(crate) page_privacy: &'static str,
    pub(crate) plain_link: &'static str,
    pub(crate) why: fn(&str) -> String,
    pub(crate) mistake_reply: &'static str,
    pub(crate) mistake_contact: &'static str,
}

/// The letter with the links to somebody's wallets.
pub(crate) struct WalletMailTexts {
    pub(crate) subject: &'static str,
    pub(crate) lead: fn(&str) -> String,
    pub(crate) foot: fn(&str) -> String,
}
