using System.Text.Json;

namespace Lathe.Cli.Tests;

/// <summary>Runs commands in this process, as <c>lathe</c> would in its own.</summary>
internal static class Cli
{
    /// <summary>The exit code and what was written.</summary>
    public static (int ExitCode, string Output, string Error) Run(params string[] arguments)
    {
        using StringWriter output = new(), error = new();
        int exitCode = LatheCommand.Run(arguments, output, error);
        return (exitCode, output.ToString(), error.ToString());
    }

    /// <summary>The JSON of a command that is expected to end with an exit code. It must be one line, and valid against a schema.</summary>
    public static JsonElement Json(int exitCode, string schema, params string[] arguments)
    {
        (int actual, string output, string error) = Run([.. arguments, "--json"]);
        Assert.That(actual, Is.EqualTo(exitCode), error);
        Assert.That(output, Does.EndWith("\n"));
        Assert.That(output.TrimEnd('\n').Split('\n', '\r', '\u0085', '\u2028', '\u2029'), Has.Length.EqualTo(1), "more than one line");
        Schema.Check(schema, output);
        return JsonDocument.Parse(output).RootElement;
    }

    /// <summary>The text on the error writer of a command that is expected to fail without a result.</summary>
    public static string Fails(int exitCode, params string[] arguments)
    {
        (int actual, string output, string error) = Run(arguments);
        Assert.That(actual, Is.EqualTo(exitCode), error);
        Assert.That(output, Is.Empty);
        Assert.That(error, Does.Not.Contain("   at "), "a stack trace");
        return error;
    }
}
