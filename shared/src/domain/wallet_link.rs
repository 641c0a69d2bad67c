//! The sealed link that opens a member's wallet.

use std::time::Duration;

use jiff::Timestamp;

use crate::domain::{
    email::EmailAddress,
    identity::IdSecret,
    ids::{Mode, OrgId},
    seal::{self, Sealed},
    tenant::Tenant,
};

/// How long a link opens the wallet: 30 days. Each notification brings a new one.
pub const LIFETIME: Duration = Duration::from_secs(30 * 24 * 3_600);

/// Longest link that is read: an address has 254 characters at most.
pub const MAX_TOKEN: usize = 600;

/// The content of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// The wallet's owner.
    pub email: EmailAddress,
    /// Its end, seconds since 1970.
    pub until: i64,
    /// Whether it opens the wallet of an address whose owner is not, or no longer, a member.
    pub of_holder: bool,
}

/// Whose wallet a link opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalletOf {
    /// A member of the organization.
    Member,
    /// Who receives mail at an address, a member or not.
    Holder,
}

/// Makes the link to a wallet, valid for [`LIFETIME`] from `now`. The same arguments make the same link.
pub fn link(
    whose: WalletOf,
    site_url: &str,
    secret: &IdSecret,
    tenant: Tenant<'_>,
    email: &EmailAddress,
    now: Timestamp,
) -> Option<String> {
    let what = match whose {
        WalletOf::Member => Sealed::Wallet,
        WalletOf::Holder => Sealed::Holder,
    };
    let until = now.as_second() + i64::try_from(LIFETIME.as_secs()).ok()?;
    let mut pass = until.to_be_bytes().to_vec();
    pass.extend_from_slice(email.as_str().as_bytes());
    let token = seal::seal(secret, what, tenant, "", &pass)?;
    let Tenant { org, mode } = tenant;
    Some(format!("{site_url}/wallet/{org}.{mode}.{token}"))
}

/// The organization, mode and sealed part of a link. Nothing of it is proven.
pub fn claimed(token: &str) -> Option<(OrgId, Mode, &str)> {
    let mut parts = token.splitn(3, '.');
    let org = OrgId::parse(parts.next()?).ok()?;
    let mode = match parts.next()? {
        "live" => Mode::Live,
        "test" => Mode::Test,
        _ => return None,
    };
    Some((org, mode, parts.next()?))
}

/// Opens the sealed part of a link; none if this organization did not seal it for this mode.
/// The caller checks its end.
pub fn open(secret: &IdSecret, org: &OrgId, mode: Mode, sealed: &str) -> Option<Pass> {
    let opened = |what| seal::open(secret, what, Tenant { org, mode }, "", sealed);
    let (content, of_holder) = match opened(Sealed::Wallet) {
        Some(content) => (content, false),
        None => (opened(Sealed::Holder)?, true),
    };
    let (until, email) = content.split_first_chunk::<8>()?;
    let email = EmailAddress::parse(std::str::from_utf8(email).ok()?).ok()?;
    Some(Pass { email, until: i64::from_be_bytes(*until), of_holder })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(link: &str) -> (OrgId, Mode, String) {
        let token = link.strip_prefix("https://u.example/wallet/").expect("a link");
        let (org, mode, sealed) = claimed(token).expect("parts");
        (org, mode, sealed.to_owned())
    }

    #[test]
    fn a_link_opens_its_own_wallet_and_no_other() {
        let (secret, other) = (IdSecret::new([7; 32]), IdSecret::new([8; 32]));
        let org = OrgId::parse("demo").expect("an id");
        let email = EmailAddress::parse("ana@ejemplo.com").expect("an address");
        let now = "2026-11-24T10:00:00Z".parse().expect("an instant");
        let tenant = Tenant { org: &org, mode: Mode::Live };
        let of = |whose| link(whose, "https://u.example", &secret, tenant, &email, now);
        let made = of(WalletOf::Member);
        let made = made.expect("a link");
        assert!(!made.contains("ana") && made.len() < 200, "{made}");
        let (_, _, sealed) = parts(&made);
        let until = "2026-12-24T10:00:00Z".parse::<Timestamp>().expect("an instant").as_second();
        assert_eq!(
            open(&secret, &org, Mode::Live, &sealed),
            Some(Pass { email: email.clone(), until, of_holder: false })
        );
        let lost = of(WalletOf::Holder);
        let (_, _, holders) = parts(&lost.expect("a link"));
        assert_eq!(
            open(&secret, &org, Mode::Live, &holders),
            Some(Pass { email: email.clone(), until, of_holder: true })
        );

        let neighbour = OrgId::parse("other").expect("an id");
        assert_eq!(open(&secret, &org, Mode::Test, &sealed), None);
        assert_eq!(open(&secret, &neighbour, Mode::Live, &sealed), None);
        assert_eq!(open(&other, &org, Mode::Live, &sealed), None);
        for place in 0..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("text");
            assert_eq!(open(&secret, &org, Mode::Live, &changed), None, "{place}");
        }
        for text in ["", "A", "demo.live.", "..", &sealed[..20]] {
            assert_eq!(open(&secret, &org, Mode::Live, text), None);
        }
    }
}
