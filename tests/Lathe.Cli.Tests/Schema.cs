using NJsonSchema;
using NJsonSchema.Validation;

namespace Lathe.Cli.Tests;

/// <summary>The schemas of the commands' JSON.</summary>
internal static class Schema
{
    /// <summary>The names of all.</summary>
    public static IReadOnlyList<string> All { get; } =
        [.. Directory.GetFiles(Folder, "*.schema.json").Select(path => Path.GetFileName(path).Replace(".schema.json", "")).Order()];

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "Schemas");

    /// <summary>Fails if a text is not valid against a schema.</summary>
    public static void Check(string name, string json) => Assert.That(Errors(name, json), Is.Empty, json);

    /// <summary>What is wrong with a text.</summary>
    public static IReadOnlyList<string> Errors(string name, string json)
    {
        JsonSchema schema = JsonSchema.FromJsonAsync(File.ReadAllText(Path.Combine(Folder, name + ".schema.json"))).GetAwaiter().GetResult();
        return [.. schema.Validate(json, new JsonSchemaValidatorSettings()).Select(error => error.ToString())];
    }
}
