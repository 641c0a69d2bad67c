//! Addresses of the web in normal form.

/// An absolute http(s) URL as the URL standard writes it, without credentials in it.
pub fn normal_url(text: &str) -> Option<String> {
    // The URL standard repairs much ("http:foo", tabs, backslashes). A text that needs repair is
    // refused, so that the link stays the one that its author wrote.
    let scheme = text.get(..8).unwrap_or(text).to_ascii_lowercase();
    let absolute = scheme.starts_with("https://") || scheme.starts_with("http://");
    if !absolute || text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\') {
        return None;
    }
    let url = url::Url::parse(text).ok()?;
    let plain = url.username().is_empty() && url.password().is_none();
    (url.has_host() && plain).then(|| url.into())
}
