//! Default deny at compile time.

use portcullis::core::checks;

// Shows: AZ-2
#[test]
fn a_handler_without_a_rule_does_not_compile_and_the_compiler_says_what_to_write() {
    checks!("T017");
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/compile_fail/no_parameter.rs");
    cases.compile_fail("tests/compile_fail/first_parameter_is_no_rule.rs");
    cases.compile_fail("tests/compile_fail/rule_in_second_place.rs");
    cases.compile_fail("tests/compile_fail/not_a_requirement.rs");
    cases.compile_fail("tests/compile_fail/own_rule.rs");
}
