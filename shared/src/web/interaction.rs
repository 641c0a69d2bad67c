//! The addresses that lead a wallet to a credential: what it scans, and the links that open an app.

use serde_json::json;
use url::form_urlencoded::byte_serialize;

/// The address that a wallet scans: the page, with the mark of an interaction URL.
pub fn interaction_url(page: &str) -> String {
    format!("{page}?iuv=1")
}

/// The address that hands a credential over.
pub fn exchange_url(page: &str) -> String {
    format!("{page}/exchange")
}

/// Apps that hold credentials, and the links that open them with one.
pub struct Wallet {
    /// Its name.
    pub name: &'static str,
    /// The link.
    pub link: String,
}

/// The wallets that a page offers.
pub fn wallets(page: &str) -> [Wallet; 2] {
    let exchange = exchange_url(page);
    let origin = url::Url::parse(page).map(|url| url.origin().ascii_serialization());
    let request = json!({
        "credentialRequestOrigin": origin.unwrap_or_default(),
        "protocols": { "vcapi": exchange },
    });
    let escaped = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    [
        Wallet {
            name: "Learner Credential Wallet",
            link: format!("https://lcw.app/request?request={}", escaped(&request.to_string())),
        },
        Wallet {
            name: "LearnCard",
            link: format!("https://learncard.app/request?vc_request_url={}", escaped(&exchange)),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wallet_is_told_where_the_exchange_is() {
        let [lcw, learncard] = wallets("https://u.edu/c/credential/7a");
        let query = |link: &str| {
            let link = url::Url::parse(link).expect("a link");
            link.query_pairs().next().expect("a pair").1.into_owned()
        };
        let request: serde_json::Value = serde_json::from_str(&query(&lcw.link)).expect("JSON");
        assert_eq!(request["credentialRequestOrigin"], "https://u.edu");
        let exchange = "https://u.edu/c/credential/7a/exchange";
        assert_eq!(request["protocols"]["vcapi"], exchange);
        assert_eq!(query(&learncard.link), exchange);
    }
}
