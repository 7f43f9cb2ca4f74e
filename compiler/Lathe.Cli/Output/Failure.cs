using Lathe.Compiler.Diagnostics;

namespace Lathe.Cli.Output;

/// <summary>The JSON of a command that ended with errors, whichever it was.</summary>
internal sealed record Failure(IReadOnlyList<Message> Errors);

/// <summary>A diagnostic in JSON.</summary>
/// <param name="Id">Its id, such as LATHE0103.</param>
/// <param name="Node">The name of the model's node that it is about, if any.</param>
/// <param name="Text">The message, in JSON <c>message</c>.</param>
internal sealed record Message(string Id, string? Node, [property: System.Text.Json.Serialization.JsonPropertyName("message")] string Text)
{
    public static Message Of(Diagnostic diagnostic) => new(diagnostic.Descriptor.Id, diagnostic.Node, diagnostic.Message);
}
