(** * Everything that is generated

    Purpose: the list of the generated files, and contracts/manifest.json, which names the
      contracts with their theorems, says which of them a run evaluates, and names the solvers' goals
      with the answer that each must have.
    Main definitions: [manifest], [everything].
    Depends on: [Syntax], [Registration], [Library], [PrintCodec], [PrintCpp], [PrintSmt], [ThreeColumns], [Text].
    Source: this project. *)
From Coq Require Import List String Ascii.
From Hallmark Require Import Contract.Syntax Contract.Registration Contract.Library.
From Hallmark Require Import Contract.Text Contract.PrintCodec Contract.PrintCpp Contract.PrintSmt.
From Hallmark Require Import Contract.ThreeColumns.
Import ListNotations.
Open Scope string_scope.

(** One contract: name, theorem, whether a run evaluates it. *)
Definition json_contract (r : registration) : string :=
  "    {" ++ quoted "name" ++ ": " ++ quoted (name (stated r)) ++ ", " ++ quoted "theorem" ++ ": "
  ++ quoted (theorem (stated r)) ++ ", " ++ quoted "run_time" ++ ": "
  ++ match evaluated r with EveryRow | ByJudge => "true" | InTests => "false" end ++ "}".

(** One goal: file, expected answer, theorem. *)
Definition json_goal (g : file * string * string) : string :=
  let '(f, expected, theorem) := g in
  "    {" ++ quoted "file" ++ ": " ++ quoted (path f) ++ ", " ++ quoted "expected" ++ ": "
  ++ quoted expected ++ ", " ++ quoted "theorem" ++ ": " ++ quoted theorem ++ "}".

(** The goals of all printers. *)
Definition goals : list (file * string * string) :=
  codec_goals ++ contract_goals ++ [three_columns_goal].

(** The manifest. *)
Definition manifest : file := {|
  path := "manifest.json";
  contents := [
    "{";
    "  " ++ quoted "made_by" ++ ": " ++ quoted "extract/contracts generate" ++ ",";
    "  " ++ quoted "contracts" ++ ": [";
    concat ("," ++ newline) (map json_contract library);
    "  ],";
    "  " ++ quoted "goals" ++ ": [";
    concat ("," ++ newline) (map json_goal goals);
    "  ]";
    "}" ] |}.

(** The whole folder contracts/, line by line. *)
Definition everything : list string :=
  flat_map bundled
    (codec_header :: contract_headers ++ rows_header :: calls_header :: map (fun g => fst (fst g)) goals ++ [manifest]).
