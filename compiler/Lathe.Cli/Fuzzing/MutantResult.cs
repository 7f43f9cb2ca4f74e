namespace Lathe.Cli.Fuzzing;

/// <summary>What became of a mutant.</summary>
/// <param name="Outcome">One of the constants of <see cref="Outcomes"/>, or a kind of <see cref="Defect"/>.</param>
/// <param name="Id">The id of the first error of a mutant that was refused.</param>
/// <param name="Reason">What happened.</param>
internal sealed record MutantResult(string Outcome, string? Id, string? Reason);

/// <summary>How mutants end that show no defect.</summary>
internal static class Outcomes
{
    /// <summary>The compiler refused it, with diagnostics.</summary>
    public const string Rejected = "rejected";

    /// <summary>It compiled and ran; an error of its data that the runtime reported counts as having run.</summary>
    public const string Ran = "ran";

    /// <summary>It compiled, and what it asks for to run is more than a test should spend.</summary>
    public const string Compiled = "compiled";
}

/// <summary>A mutant that shows a defect of Lathe.</summary>
/// <param name="Mutant">Its number; with the same models and seed <c>--only</c> makes it again.</param>
/// <param name="Model">The model that it was made of.</param>
/// <param name="Mutation">What was done to the model.</param>
/// <param name="Kind">One of the constants.</param>
/// <param name="Reason">What happened.</param>
/// <param name="File">Where it was saved; null if it was not.</param>
internal sealed record Defect(int Mutant, string Model, string Mutation, string Kind, string Reason, string? File)
{
    /// <summary>The process ended.</summary>
    public const string Crash = "crash";

    /// <summary>It took longer than the limit.</summary>
    public const string Hang = "hang";

    /// <summary>It took more memory than the limit.</summary>
    public const string Memory = "memory";

    /// <summary>The compiler failed with something that is no diagnostic, or with one that no user can read.</summary>
    public const string InternalError = "internal-error";

    /// <summary>It compiled and could not be loaded or run.</summary>
    public const string AcceptedThenFailed = "accepted-then-failed";

    /// <summary>The same model compiled to other bytes, or computed other results.</summary>
    public const string Nondeterministic = "nondeterministic";
}
