/// The words of `LinkExplanation` as sentences. A newer daemon may have words that are not here: they are shown as
/// they are.
package enum ExplanationWords {
  /// Why a program was made anew.
  package static let program = [
    "none-resident": "the daemon held no earlier link of this program",
    "other-packages": "packages of the program came or went, or import each other in another order",
    "overwritten": "a package file that the daemon held was written over",
    "speaks": "the last link printed warnings, which have to be printed again",
    "options": "-checklinkname or -strictdups are not what they were",
    "packages": "many packages came, went, or are loaded in another order",
    "much": "more than half of the program changed",
    "builtins": "a package changed that has what the compiler itself calls, such as runtime",
    "names": "a name was taken over by another package, or is one that must be checked",
  ]

  /// Why deadcode started anew.
  package static let deadcode = [
    "first": "no last time to go on from",
    "in-order": "-dumpdep and -v=2 print the order",
    "names-moved": "a name means another definition",
    "sorts": "a symbol became one of another sort",
    "places": "definitions that other packages use changed their places",
    "grown": "too much was kept for too little use",
    "roots": "initialised packages or flags are others",
    "own-symbols": "what the linker itself makes needs something else",
    "itabs": "a conversion to an interface has another type",
    "methods": "names or types of methods changed",
    "lost-use": "an interface, method or type is not used as it was",
    "lost-need": "something is not needed any more where it was, and what it needs may go with it",
    "gone": "a definition with needs of its own went away",
    "unreadable": "an object was not understood",
  ]

  /// Why the last image was not patched.
  package static let image = [
    "anew": "there is no last link to compare with",
    "speaks": "the link prints something",
    "symbols": "symbols came, went or moved, so that addresses move",
    "shape": "more changed than contents: sizes, references or imports",
    "deadcode": "deadcode has read what changed: types, or names of methods",
    "no-last": "the last link left nothing to patch: it printed something, or was another daemon's",
    "flags": "flags are not the last link's, or are some that rule patching out (-v, -c, -buildmode=pie)",
    "passes": "a pass has read what changed: types, debug information, or what is not part of the program",
    "no-image": "the last image is not in memory any more, or still in use",
    "build-id": "the build id has another length",
    "fit": "the new contents do not fit where the old ones are",
  ]
}
