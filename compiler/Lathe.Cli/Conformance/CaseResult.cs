namespace Lathe.Cli.Conformance;

/// <summary>How a case ended.</summary>
/// <param name="Name">The case's kind and name.</param>
/// <param name="Status"><see cref="Passed"/>, <see cref="Failed"/> or <see cref="Unsupported"/>.</param>
/// <param name="Reason">Why it did not pass; null if it did.</param>
internal sealed record CaseResult(string Name, string Status, string? Reason)
{
    /// <summary>All outputs are right.</summary>
    public const string Passed = "passed";

    /// <summary>Something is wrong: a result, an error that should not be, a crash, too long a time.</summary>
    public const string Failed = "failed";

    /// <summary>The compiler says that it does not have what the model needs.</summary>
    public const string Unsupported = "unsupported";
}
