//! The words of certificates, in both languages.

use unicreda::domain::lang::Lang;

/// What stands before the recipient, and before the award: of a credential with the recipient's name, or without.
pub fn awards(named: bool, lang: Lang) -> (&'static str, &'static str) {
    match named {
        true => (lang.pick("otorga a", "awards to"), lang.pick("la credencial", "the credential")),
        false => ("", lang.pick("otorga la credencial", "awards the credential")),
    }
}

/// What the file is.
pub fn signed(lang: Lang) -> &'static str {
    lang.pick(
        "Credencial digital con firma electrónica.",
        "A digital credential with an electronic signature.",
    )
}

/// What stands before the address.
pub fn state(lang: Lang) -> &'static str {
    lang.pick("Su estado actual se comprueba en", "Its current state is checked at")
}

/// The page, to who hears the certificate.
pub fn page(lang: Lang) -> &'static str {
    lang.pick("Página de la credencial", "The credential's page")
}

/// The QR code, likewise.
pub fn code(lang: Lang) -> &'static str {
    lang.pick("Código QR de la página de la credencial", "QR code of the credential's page")
}

/// The logo of an organization, likewise.
pub fn logo(of: &str, lang: Lang) -> String {
    lang.pick(format!("Logotipo de {of}"), format!("Logo of {of}"))
}

/// The signature of a person, likewise.
pub fn signature(of: &str, lang: Lang) -> String {
    lang.pick(format!("Firma de {of}"), format!("Signature of {of}"))
}
