//! Every endpoint with every role, over the real router.

use super::*;
use crate::commands;
use crate::v1::RESOURCES;

/// The API on a database that is not there: who passes the door is told that the views are unavailable, or that
/// a parameter is wrong.
pub(super) fn api(access: Access) -> axum::Router {
    let database: Database = "postgres://a:b@127.0.0.1:1/c".parse().expect("an address");
    let views = Views::new(&database, Schema::default(), 1);
    let (journal, limits) = (MemoryJournal::new(), Limits::default());
    crate::router(Api { views, journal, services: Nobody, access, limits })
}

async fn ask(api: &axum::Router, method: Method, path: &str, token: Option<&str>) -> StatusCode {
    let path = path.replace("{position}", "1");
    let mut request = Request::builder().method(method).uri(path);
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    let request = request.body(Body::empty()).expect("a request");
    api.clone().oneshot(request).await.expect("an answer").status()
}

pub(super) fn token(role: &str) -> String {
    let own = json!({
        "role": role, "party": "own", "programmes": ["own"], "funds": ["own"], "sub": "someone",
    });
    signed(&header(), &with(&own))
}

/// Of an office, a reviewer, a provider, a fund manager and a company: `a`ll, its `o`wn, what the ledger says is
/// `i`ts, or nothing.
const EXPECTED: [(&str, &str, &str); 26] = [
    ("/v1/loops", "party", "---o-"),
    ("/v1/parties", "", "-----"),
    ("/v1/owners", "", "-----"),
    ("/v1/flows", "party", "--ooo"),
    ("/v1/utilization", "pool", "--i--"),
    ("/v1/pools", "pool", "--i--"),
    ("/v1/reservations", "pool", "--i--"),
    ("/v1/implied", "contract", "--i-i"),
    ("/v1/findings", "", "-----"),
    ("/v1/findings/rules", "", "aaaaa"),
    ("/v1/vouchers", "programme", "oo---"),
    ("/v1/programme", "programme", "oo---"),
    ("/v1/claims", "?", "ppr--"),
    ("/v1/reviews", "?", "ppr-s"),
    ("/v1/caps", "programme", "oo---"),
    ("/v1/register", "", "-----"),
    ("/v1/statement", "provider", "--o--"),
    ("/v1/contracts", "party", "--o-o"),
    ("/v1/prices", "party", "--o-o"),
    ("/v1/fund", "fund", "---o-"),
    ("/v1/lp-account", "?", "--lfl"),
    ("/v1/facts/{position}", "", "-----"),
    ("/v1/exports/beancount", "", "-----"),
    ("/v1/exports/focus", "", "-----"),
    ("/v1/exports/ocel", "", "-----"),
    ("/v1/reports/loops", "party", "---o-"),
];

#[tokio::test]
async fn every_role_passes_the_door_to_its_own_and_to_nothing_else() {
    let api = api(Access::Tokens(Arc::new(verifier())));
    for (path, parameter, grants) in EXPECTED {
        for (role, grant) in Role::ALL[2..].iter().zip(grants.chars()) {
            let token = token(role.name());
            let status = async |query: &str| {
                let status = ask(&api, Method::GET, &format!("{path}{query}"), Some(&token)).await;
                (status.as_u16(), format!("{path}{query} {}", role.name()))
            };
            let parameter = match grant {
                'p' => "programme",
                'r' => "provider",
                'l' => "lp",
                'f' => "fund",
                's' => "applicant",
                _ => parameter,
            };
            let (bare, said) = status("").await;
            match grant {
                '-' => {
                    assert_eq!(bare, 403, "{said}");
                    continue;
                }
                'a' => {
                    assert_eq!(bare, 200, "{said}");
                    continue;
                }
                'i' => assert_eq!(bare, 400, "{said}"),
                // The statement's dates are missing.
                _ => assert!([503, 400].contains(&bare), "{said}: {bare}"),
            }
            let (mine, said) = status(&format!("?{parameter}=own")).await;
            assert!([503, 400].contains(&mine), "{said}: {mine}");
            let (twice, said) = status(&format!("?{parameter}=own&{parameter}=another")).await;
            assert_eq!(twice, 400, "{said}");
            let wanted = if grant == 'i' { 503 } else { 404 };
            let encoded = format!("%{:02x}{}", parameter.as_bytes()[0], &parameter[1..]);
            for query in [format!("?{parameter}=another"), format!("?{encoded}=another")] {
                let (other, said) = status(&query).await;
                assert_eq!(other, wanted, "{said}");
            }
        }
    }
}

#[tokio::test]
async fn an_operator_and_a_regulator_read_everything_and_only_an_operator_does_more() {
    let api = api(Access::Tokens(Arc::new(verifier())));
    let (operator, regulator) = (token("operator"), token("regulator"));
    for (path, _, _) in EXPECTED {
        let read = ask(&api, Method::GET, path, Some(&operator)).await.as_u16();
        assert!([200, 400, 503].contains(&read), "{path}: {read}");
        // What cannot be put on record is not answered.
        assert_eq!(ask(&api, Method::GET, path, Some(&regulator)).await.as_u16(), 503, "{path}");
        let command = commands::at(path);
        for role in &Role::ALL[1..] {
            let gives = command.is_some_and(|command| command.may_be_given_by(*role));
            let status = ask(&api, Method::DELETE, path, Some(&token(role.name()))).await;
            let refused = if *role == Role::Regulator { 503 } else { 403 };
            assert_eq!(status.as_u16(), refused, "{path} {}", role.name());
            assert!(!(gives && *role == Role::Regulator), "{path}");
        }
        assert_eq!(ask(&api, Method::DELETE, path, Some(&operator)).await.as_u16(), 405, "{path}");
    }
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        assert_eq!(rules::grant(&method, "/v1/loops", Role::Regulator), Grant::Nothing);
    }
    assert_eq!(rules::grant(&Method::GET, "/v1/unruled", Role::Regulator), Grant::Nothing);
}

#[tokio::test]
async fn nobody_without_a_token_that_counts_learns_anything_but_health() {
    let closed = api(Access::Tokens(Arc::new(verifier())));
    let expired = signed(&header(), &with(&json!({ "exp": 1 })));
    for (path, _, _) in EXPECTED {
        for token in [None, Some(""), Some("nonsense"), Some(expired.as_str())] {
            let status = ask(&closed, Method::GET, path, token).await;
            assert_eq!(status.as_u16(), 401, "{path}");
        }
    }
    assert_eq!(ask(&closed, Method::GET, "/healthz", None).await.as_u16(), 200);
    let open = api(Access::Open);
    assert_eq!(ask(&open, Method::GET, "/v1/findings/rules", None).await.as_u16(), 200);
}

/// What a token names nothing of, it has nothing of.
#[tokio::test]
async fn a_token_without_a_party_or_a_programme_has_none() {
    let api = api(Access::Tokens(Arc::new(verifier())));
    for (role, path) in [
        ("provider", "/v1/flows"),
        ("provider", "/v1/claims"),
        ("company", "/v1/flows"),
        ("fund_manager", "/v1/flows"),
        ("reviewer", "/v1/claims"),
        ("programme_office", "/v1/vouchers"),
    ] {
        let claims = with(&json!({ "role": role, "party": null }));
        let token = signed(&header(), &claims);
        assert_eq!(ask(&api, Method::GET, path, Some(&token)).await.as_u16(), 400, "{role}");
        for parameter in ["party", "provider", "programme"] {
            let path = format!("{path}?{parameter}=own");
            let status = ask(&api, Method::GET, &path, Some(&token)).await.as_u16();
            assert!([400, 404].contains(&status), "{role} {path}: {status}");
        }
    }
}

#[test]
fn every_route_has_a_rule() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/v1");
    let mut routes = BTreeSet::new();
    for entry in fs::read_dir(folder).expect("the resources") {
        let text = fs::read_to_string(entry.expect("a file").path()).expect("a source");
        for rest in text.split(".route(\"").skip(1) {
            routes.insert(rest.split('"').next().expect("a path").to_owned());
        }
    }
    assert!(routes.len() >= EXPECTED.len(), "{routes:?}");
    for route in routes {
        let path = format!("/v1{route}");
        assert!(rules::known(&path), "{path} has no rule: write one in auth/rules.rs");
        let described = RESOURCES.iter().any(|resource| resource.path == route);
        assert!(described, "{path} is not described: put it into v1::RESOURCES");
        assert!(EXPECTED.iter().any(|(known, _, _)| *known == path), "{path} is not expected here");
    }
}
