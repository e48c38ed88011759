import ImageWriter
import LoaderCore

extension Link {
  /// The program of a request: a resident one with the changed objects exchanged, else resolved anew. Either
  /// way it is the same value (`IndexPatch`).
  static func load(
    _ packages: LoadedPackages, _ plan: LinkPlan, _ programs: ProgramStore?, _ told: inout Diagnostics
  ) throws(LinkFailure) -> ResidentProgram {
    let profile = ReleaseProfile.go1_27_3
    if let known = programs?.take(ProgramStore.key(plan.load), for: packages),
      known.update(to: packages, profile: profile, options: plan.resolve)
    {
      return known
    }
    let (program, warnings) = try ResidentProgram.resolve(packages, profile: profile, options: plan.resolve)
    told.warn(warnings)
    return program
  }
}
