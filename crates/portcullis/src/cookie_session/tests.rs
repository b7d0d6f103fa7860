use super::*;

#[test]
fn what_does_not_fit_says_how_much_and_what_to_do() {
    let error = CookieSessionError::TooLarge { bytes: 5_000 };
    let said = error.to_string();
    for word in ["5000", "4096", "database"] {
        assert!(said.contains(word), "{said}");
    }
    let problem = Problem::from(error);
    assert_eq!(
        (problem.status().as_u16(), problem.code()),
        (409, "cookie_session_full")
    );
}
