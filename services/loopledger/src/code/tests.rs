//! Known answers of RFC 8032 and of the PEM forms, and that nothing but what was signed is taken.

use loopledger_model::hex;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// RFC 8032, 7.1: test 1 signs nothing, test 2 one byte.
const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
const KEY: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
const OF_NOTHING: &str = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";
const SEED_2: &str = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
const KEY_2: &str = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
const OF_0X72: &str = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";

fn bytes<const N: usize>(digits: &str) -> [u8; N] {
    hex::parse(digits).expect("digits")
}

fn stated(key: &PrivateKey) -> Stated {
    Stated {
        currency: "CNY".parse().expect("a currency"),
        expires_at: Some("2025-12-31T00:00:00Z".parse().expect("a time")),
        face: "2000000.00".to_owned(),
        holder: "company-c".parse().expect("an id"),
        issued_at: "2025-01-10T00:00:00Z".parse().expect("a time"),
        issuer: "city-1".parse().expect("an id"),
        key: key.public().id(),
        programme: "cv-2025".parse().expect("an id"),
        v: VERSION,
        voucher: "v-1".parse().expect("an id"),
    }
}

fn key() -> PrivateKey {
    PrivateKey::of(&bytes(SEED))
}

#[test]
fn keys_and_signatures_are_those_of_the_standard() {
    for (seed, public, message, signature) in
        [(SEED, KEY, &[][..], OF_NOTHING), (SEED_2, KEY_2, &[0x72][..], OF_0X72)]
    {
        let key = PrivateKey::of(&bytes(seed));
        assert_eq!(key.public().0, bytes(public));
        assert_eq!(key.0.sign(message).as_ref(), bytes::<64>(signature));
    }
}

#[test]
fn a_code_is_canonical_json_and_its_signature() {
    let code = key().sign(&stated(&key()));
    let (content, signature) = code.split_once('.').expect("two parts");
    let content = URL_SAFE_NO_PAD.decode(content).expect("base64url");
    let expected = "{\"currency\":\"CNY\",\"expires_at\":\"2025-12-31T00:00:00Z\",\"face\":\"2000000.00\",\
        \"holder\":\"company-c\",\"issued_at\":\"2025-01-10T00:00:00Z\",\"issuer\":\"city-1\",\
        \"key\":\"21fe31dfa154a261626bf854046fd227\",\"programme\":\"cv-2025\",\"v\":1,\"voucher\":\"v-1\"}";
    assert_eq!(str::from_utf8(&content), Ok(expected));
    assert_eq!(URL_SAFE_NO_PAD.decode(signature).expect("base64url").len(), 64);
    assert_eq!(key().public().check(&code), Ok(stated(&key())));
    assert_eq!(key().public().check(&format!("{code}\n")), Ok(stated(&key())));
}

#[test]
fn a_refusal_says_what_is_wrong() {
    let (mine, other) = (key(), PrivateKey::of(&bytes(SEED_2)));
    let code = mine.sign(&stated(&mine));
    let given = other.public().id();
    let stated_key = mine.public().id();
    assert_eq!(
        other.public().check(&code),
        Err(NotGenuine::OtherKey { stated: stated_key.clone(), given })
    );
    let signature = code.split_once('.').expect("two parts").1;
    let dearer = Stated { face: "9000000.00".to_owned(), ..stated(&mine) };
    let forged = format!("{}.{signature}", URL_SAFE_NO_PAD.encode(canonical(&dearer)));
    let Err(NotGenuine::Changed { face, key, .. }) = mine.public().check(&forged) else {
        panic!("{forged} is not what was signed");
    };
    assert_eq!((face.as_str(), key), ("9000000.00", stated_key));
    let later = mine.sign(&Stated { v: 2, ..stated(&mine) });
    assert_eq!(mine.public().check(&later), Err(NotGenuine::Version { found: 2 }));
    assert_eq!(mine.public().check("nonsense"), Err(NotGenuine::Malformed));
    assert_eq!(mine.public().check(&format!("e30.{signature}")), Err(NotGenuine::Unreadable));
}

#[test]
fn key_files_are_private_readable_again_and_never_overwritten() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("issuer.pem");
    let made = PrivateKey::create(&file).expect("a new key");
    let mode = fs::metadata(&file).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(matches!(PrivateKey::create(&file), Err(KeyError::File { .. })));
    let read = PrivateKey::read(&file).expect("what was written");
    assert_eq!(read.public().0, made.public().0);
    let public = folder.path().join("issuer.pub.pem");
    fs::write(&public, format!("{}\n", made.public())).expect("our own folder");
    assert_eq!(PublicKey::read(&public).expect("what was written").0, made.public().0);
    let mixed_up =
        PublicKey::read(&file).err().expect("a private key is no public one").to_string();
    assert!(mixed_up.contains("no Ed25519 PUBLIC KEY"), "{mixed_up}");
    // As RFC 8410 prints it.
    let example = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
    fs::write(&file, example).expect("our own folder");
    let public = PrivateKey::read(&file).expect("the standard's form").public().to_string();
    assert!(
        public.contains("MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="),
        "{public}"
    );
}

proptest! {
    #[test]
    fn a_code_with_any_one_byte_changed_is_refused(place in any::<prop::sample::Index>(), to in any::<u8>()) {
        let code = key().sign(&stated(&key()));
        let mut changed = code.clone().into_bytes();
        let place = place.index(changed.len());
        changed[place] = to;
        let changed = String::from_utf8_lossy(&changed).into_owned();
        // Blanks around a code are no part of it.
        prop_assume!(changed.trim() != code);
        prop_assert!(key().public().check(&changed).is_err(), "{place}: {changed}");
    }

    #[test]
    fn content_or_signature_with_any_one_bit_changed_is_refused(place in any::<prop::sample::Index>(), bit in 0_u32..8) {
        let code = key().sign(&stated(&key()));
        let (content, signature) = code.split_once('.').expect("two parts");
        let [mut content, mut signature] =
            [content, signature].map(|part| URL_SAFE_NO_PAD.decode(part).expect("base64url"));
        let place = place.index(content.len() + signature.len());
        let byte = match place.checked_sub(content.len()) {
            None => &mut content[place],
            Some(place) => &mut signature[place],
        };
        *byte ^= 1_u8 << bit;
        let parts = [content, signature].map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
        prop_assert!(key().public().check(&parts.join(".")).is_err());
    }
}
