namespace Lathe.Compiler.Diagnostics;

/// <summary>How grave a diagnostic is.</summary>
public enum Severity
{
    /// <summary>The result is used, but differs from what was asked, or the user should know.</summary>
    Warning,

    /// <summary>There is no result.</summary>
    Error,
}

/// <summary>A kind of diagnostic: its id, severity and message. All are rows of <see cref="DiagnosticTable"/>.</summary>
/// <param name="Id"><c>LATHE</c> and four digits; never used again for another kind.</param>
/// <param name="Severity">How grave it is.</param>
/// <param name="Format">The message, with {0}, {1}, … for its arguments.</param>
public sealed record DiagnosticDescriptor(string Id, Severity Severity, string Format);

/// <summary>Something to tell the user about a model.</summary>
/// <param name="Descriptor">Its kind.</param>
/// <param name="Node">The name of the model's node that it is about, if any.</param>
/// <param name="Arguments">What the message speaks of.</param>
public sealed record Diagnostic(DiagnosticDescriptor Descriptor, string? Node, params string[] Arguments)
{
    /// <summary>The message with the node's name in front.</summary>
    public string Message
    {
        get
        {
            string message = string.Format(System.Globalization.CultureInfo.InvariantCulture, Descriptor.Format, [.. Arguments.Select(OneLine)]);
            return Node is null ? message : $"node '{OneLine(Node)}': {message}";
        }
    }

    /// <summary>The form that MSBuild reads: <c>model.onnx : error LATHE0103: node 'conv_12': …</c>.</summary>
    public string ToMSBuild(string file) =>
        $"{file} : {(Descriptor.Severity == Severity.Error ? "error" : "warning")} {Descriptor.Id}: {Message}";

    /// <summary>Names come from models: a diagnostic stays one line of bounded length whatever they hold.</summary>
    private static string OneLine(string text)
    {
        string clean = string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c));
        return clean.Length <= 400 ? clean : string.Concat(clean.AsSpan(0, 400), "…");
    }
}

/// <summary>Ends a compilation with a diagnostic. Thrown where a value cannot be made, caught by <c>Compilation</c>; nothing else is a user's error.</summary>
public class DiagnosticException(Diagnostic diagnostic) : Exception(diagnostic.Message)
{
    /// <summary>What to tell the user.</summary>
    public Diagnostic Diagnostic { get; } = diagnostic;
}
