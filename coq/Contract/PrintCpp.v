(** * Contracts as C++ templates

    Purpose: each contract becomes two function templates, of what it supposes and of what it
      promises, over any type of scalars: the template parameter Ops gives the operations, so that
      the same text runs on rationals, on binary64 and on enclosures, whose comparisons may have
      more than two answers.  Those that a run evaluates at the codes of every row are listed too.
    Main definitions: [contract_headers], [rows_header], [calls_header].
    Depends on: [Syntax], [Registration], [Library], [Text].
    Source: this project. *)
From Coq Require Import ZArith List String Ascii.
From Hallmark Require Import Contract.Syntax Contract.Registration Contract.Library Contract.Text.
Import ListNotations.
Open Scope string_scope.

(** The number of values of an index. *)
Definition cpp_bound (b : bound) : string :=
  match b with Literal n => decimal_nat n ++ "u" | Size x => x | Index i => i end.

(** A loop over an index: a call with a body that takes the index. *)
Definition cpp_loop (call i : string) (b : bound) (body : string) : string :=
  call ++ "<Ops>" ++ parens (cpp_bound b ++ ", [&](std::size_t " ++ i ++ ") { return " ++ body ++ "; }").

Fixpoint cpp_term (t : term) : string :=
  match t with
  | Rational n d => "Ops::rational" ++ parens (decimal n ++ ", " ++ decimal (Zpos d))
  | Count b => "Ops::count" ++ parens (cpp_bound b)
  | Scalar x => "Ops::value" ++ parens x
  | Vector x i => "Ops::value" ++ parens (x ++ parens i)
  | Matrix x i j => "Ops::value" ++ parens (x ++ parens (i ++ ", " ++ j))
  | Add a b => parens (cpp_term a ++ " + " ++ cpp_term b)
  | Sub a b => parens (cpp_term a ++ " - " ++ cpp_term b)
  | Mul a b => parens (cpp_term a ++ " * " ++ cpp_term b)
  | Max a b => "Ops::max" ++ parens (cpp_term a ++ ", " ++ cpp_term b)
  | Abs a => "Ops::abs" ++ parens (cpp_term a)
  | Power a b => "power<Ops>" ++ parens (cpp_term a ++ ", " ++ cpp_bound b)
  | Sum i b body => cpp_loop "sum" i b ("typename Ops::Scalar" ++ parens (cpp_term body))
  end.

Fixpoint cpp_formula (f : formula) : string :=
  match f with
  | Le a b => "Ops::le" ++ parens (cpp_term a ++ ", " ++ cpp_term b)
  | Lt a b => "Ops::lt" ++ parens (cpp_term a ++ ", " ++ cpp_term b)
  | Eq a b => "Ops::eq" ++ parens (cpp_term a ++ ", " ++ cpp_term b)
  | And f g => "Ops::both" ++ parens (cpp_formula f ++ ", " ++ cpp_formula g)
  | Implies f g => "Ops::implies" ++ parens (cpp_formula f ++ ", " ++ cpp_formula g)
  | All i b body => cpp_loop "for_all" i b (cpp_formula body)
  end.

(** The parameters of some formulas: the sizes and then the inputs that they read, in the order of
    the contract. *)
Definition reads (fs : list formula) (x : string) : bool := existsb (formula_reads x) fs.
Definition cpp_parameters (c : contract) (fs : list formula) : string :=
  concat ", " (map (fun s => "std::size_t " ++ s) (filter (reads fs) (sizes c))
               ++ map (fun input => "const auto& " ++ fst input)
                    (filter (fun input => reads fs (fst input)) (inputs c))).

(** One function of a contract; its formulas are connected by "both". *)
Definition cpp_predicate (c : contract) (suffix : string) (fs : list formula) : list string :=
  [ "template <class Ops>";
    "typename Ops::Truth " ++ name c ++ suffix ++ parens (cpp_parameters c fs) ++ " {";
    "  typename Ops::Truth truth = Ops::yes();" ]
  ++ map (fun f => "  truth = Ops::both(truth, " ++ cpp_formula f ++ ");") fs
  ++ [ "  return truth;"; "}" ].

(** A double quote. *)
Definition quote : string := String (ascii_of_nat 34) "".

(** How an input reads in the comment over the functions. *)
Definition cpp_shape (input : string * kind) : string :=
  let '(x, k) := input in
  match k with
  | IsScalar => x
  | IsVector n => x ++ "[" ++ n ++ "]"
  | IsMatrix n m => x ++ "[" ++ n ++ ", " ++ m ++ "]"
  end.

(** A text between double quotes. *)
Definition quoted (text : string) : string := quote ++ text ++ quote.

(** A generated header: its name, what its comment says, what it includes, its declarations. *)
Definition cpp_header (header : string) (about includes body : list string) : file := {|
  path := "generated/" ++ header ++ ".hpp";
  contents := ("// " ++ made_by) :: map (fun line => "// " ++ line) about ++ ["#pragma once"; ""] ++ includes
    ++ ["namespace hallmark::generated {"; ""] ++ body ++ ["}  // namespace hallmark::generated"] |}.

Definition cpp_include (header : string) : string := "#include " ++ quoted ("contracts/generated/" ++ header ++ ".hpp").

(** What all contracts use. *)
Definition language_header : file := cpp_header "contract"
  [ "What the contracts are written in. Vectors are called as v(i), matrices as M(i, j). Ops names the types Scalar, with";
    "operators + - *, and Truth, and the functions rational(numerator, denominator), count(n), value(x), max, abs, le, lt,";
    "eq, yes(), both, implies. Sums run over increasing indices from zero. The functions of a contract take its sizes and";
    "the inputs that they read, in the order of the comment; a run evaluates the postcondition, and";
    "coq/Contract/SoundFloat.v says of which numbers it holds." ]
  [ "#include <cstddef>"; "#include <string_view>"; "" ]
  [ "/// What a report names: the contract and the theorem behind it.";
    "struct Contract {";
    "  std::string_view name, theorem;";
    "};"; "";
    "template <class Ops>";
    "typename Ops::Scalar sum(std::size_t n, const auto& term) {";
    "  typename Ops::Scalar total = Ops::rational(0, 1);";
    "  for (std::size_t k = 0; k < n; ++k) total = total + term(k);";
    "  return total;";
    "}"; "";
    "template <class Ops>";
    "typename Ops::Scalar power(const typename Ops::Scalar& base, std::size_t n) {";
    "  typename Ops::Scalar product = Ops::rational(1, 1);";
    "  for (std::size_t k = 0; k < n; ++k) product = product * base;";
    "  return product;";
    "}"; "";
    "template <class Ops>";
    "typename Ops::Truth for_all(std::size_t n, const auto& statement) {";
    "  typename Ops::Truth truth = Ops::yes();";
    "  for (std::size_t k = 0; k < n; ++k) truth = Ops::both(truth, statement(k));";
    "  return truth;";
    "}"; "" ].

Definition contract_header (c : contract) : file := cpp_header ("contract_" ++ name c)
  [ name c ++ ": theorem " ++ theorem c ++ "; inputs " ++ concat ", " (map cpp_shape (inputs c)) ++ "." ]
  [ cpp_include "contract"; "" ]
  ([ "inline constexpr Contract " ++ name c ++ "{" ++ quoted (name c) ++ ", " ++ quoted (theorem c) ++ "};"; "" ]
   ++ cpp_predicate c "_pre" (pre c) ++ [""] ++ cpp_predicate c "_post" [post c] ++ [""]).

(** Those of the given contracts that a run evaluates at the codes of every row. *)
Definition at_every_row (r : registration) : bool :=
  match evaluated r with EveryRow => true | ByJudge | InTests => false end.

(** One visit: row.x gives the input x by its index, pick reads it as the stage of the evaluation does. *)
Definition cpp_visit (c : contract) : list string :=
  [ "  visit(" ++ name c ++ ", [](const auto& pick, std::size_t n, const auto& row) {";
    "    return " ++ name c ++ "_post<typename std::remove_cvref_t<decltype(pick)>::Ops>"
    ++ parens (concat ", " ("n" :: map (fun input => "pick(row." ++ fst input ++ ")")
         (filter (fun input => reads [post c] (fst input)) (inputs c)))) ++ ";";
    "  });" ].

Definition rows_header : file :=
  let found := map stated (filter at_every_row library) in cpp_header "row_contracts"
  [ "The contracts that a run evaluates at the codes of every row. A row shows its n columns by name: the weight w, the";
    "number x that was rounded, the point q of the code, the points l and r of the grid below and above q, the scale s." ]
  ([ "#include <cstddef>"; "#include <type_traits>"; "" ] ++ map (fun c => cpp_include ("contract_" ++ name c)) found ++ [""])
  ([ "/// visit(contract, holds) for each; holds(pick, n, row) evaluates it, pick(row.x) being the input x.";
     "void visit_row_contracts(const auto& visit) {" ]
   ++ flat_map cpp_visit found ++ [ "}"; "" ]).

(** All of them. *)
Definition contracts_header : file := {|
  path := "generated/contracts.hpp";
  contents := [ "// " ++ made_by; "// All contracts."; "#pragma once"; "" ]
    ++ map (fun c => cpp_include ("contract_" ++ name c)) contracts |}.

Definition contract_headers : list file :=
  language_header :: map contract_header contracts ++ [contracts_header].

(** ** Calls by name, for tests *)

(** The shape of an input: its name and the names of its sizes. *)
Definition cpp_input_shape (input : string * kind) : string :=
  let '(x, k) := input in
  let '(rows, cols) := match k with
    | IsScalar => ("", "") | IsVector n => (n, "") | IsMatrix n m => (n, m) end in
  "{" ++ quoted x ++ ", " ++ quoted rows ++ ", " ++ quoted cols ++ "}".

Definition cpp_shape_line (c : contract) : string :=
  "  if (name == " ++ quoted (name c) ++ ") return {" ++ quoted (name c) ++ ", {"
  ++ concat ", " (map quoted (sizes c)) ++ "}, {" ++ concat ", " (map cpp_input_shape (inputs c)) ++ "}};".

(** The call of one function with the sizes and inputs that it reads. *)
Definition cpp_call (c : contract) (suffix : string) (fs : list formula) : string :=
  name c ++ suffix ++ "<Ops>" ++ parens (concat ", "
    (map (fun s => "size" ++ parens (quoted s)) (filter (reads fs) (sizes c))
     ++ map (fun input => "input" ++ parens (quoted (fst input)))
          (filter (fun input => reads fs (fst input)) (inputs c)))).

Definition cpp_call_line (c : contract) : string :=
  "  if (name == " ++ quoted (name c) ++ ") return {" ++ cpp_call c "_pre" (pre c) ++ ", "
  ++ cpp_call c "_post" [post c] ++ "};".

Definition calls_header : file := {|
  path := "generated/contract_calls.hpp";
  contents := [
    "// " ++ made_by;
    "// The contracts by name: the shapes of their inputs, and both of their functions. For the differential test.";
    "#pragma once"; ""; "#include <stdexcept>"; "#include <string>"; "#include <string_view>"; "#include <utility>"; "#include <vector>"; "";
    "#include " ++ quoted "contracts/generated/contracts.hpp"; "";
    "namespace hallmark::generated {"; "";
    "/// An input: a matrix, or a vector without columns, or a scalar without rows.";
    "struct InputShape {";
    "  std::string_view name, rows, columns;";
    "};";
    "struct Shape {";
    "  std::string_view name;";
    "  std::vector<std::string_view> sizes;";
    "  std::vector<InputShape> inputs;";
    "};"; "";
    "inline constexpr std::size_t contract_count = " ++ decimal_nat (List.length contracts) ++ ";"; "";
    "inline Shape shape_of(std::string_view name) {" ]
    ++ map cpp_shape_line contracts
    ++ [ "  throw std::invalid_argument(std::string(name));"; "}"; "";
    "template <class Ops>";
    "std::pair<typename Ops::Truth, typename Ops::Truth> call(std::string_view name, const auto& size, const auto& input) {" ]
    ++ map cpp_call_line contracts
    ++ [ "  throw std::invalid_argument(std::string(name));"; "}"; ""; "}  // namespace hallmark::generated" ] |}.
