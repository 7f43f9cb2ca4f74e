using System.CommandLine;
using System.Globalization;

namespace Lathe.Cli.Arguments;

/// <summary>Options whose text is read by a function, which throws <see cref="FormatException"/> with what it expects instead.</summary>
internal static class Parsed
{
    /// <summary>An option that is given at most once.</summary>
    public static Option<T> One<T>(string name, string[] aliases, string value, string description, Func<string, T> parse) => new(name, aliases)
    {
        Description = description,
        HelpName = value,
        Arity = ArgumentArity.ExactlyOne,
        CustomParser = result =>
        {
            try
            {
                return parse(result.Tokens[0].Value);
            }
            catch (FormatException wrong)
            {
                result.AddError($"option {name}: {wrong.Message}");
                return default;
            }
        },
    };

    /// <summary>An option that may be given several times, each time with one value.</summary>
    public static Option<IReadOnlyList<T>> Many<T>(string name, string[] aliases, string value, string description, Func<string, T> parse) => new(name, aliases)
    {
        Description = description,
        HelpName = value,
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
        DefaultValueFactory = _ => [],
        CustomParser = result =>
        {
            try
            {
                return [.. result.Tokens.Select(token => parse(token.Value))];
            }
            catch (FormatException wrong)
            {
                result.AddError($"option {name}: {wrong.Message}");
                return [];
            }
        },
    };

    /// <summary>A word out of several.</summary>
    public static Option<string?> Word(
        string name, string[] aliases, string[] words, string description, StringComparison comparison = StringComparison.Ordinal) => One<string?>(
        name, aliases, string.Join('|', words), description,
        text => words.FirstOrDefault(word => word.Equals(text, comparison)) ?? throw new FormatException($"'{text}' is not one of {string.Join(", ", words)}"));

    /// <summary>An integer of at least 1.</summary>
    public static int Positive(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value >= 1
            ? value
            : throw new FormatException($"'{text}' is not a number of at least 1");

    /// <summary>A finite number that is not negative.</summary>
    public static double NotNegative(string text) => Finite(text) is var value && value >= 0 ? value : throw new FormatException($"'{text}' is negative");

    /// <summary>A finite number.</summary>
    public static double Finite(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value)
            ? value
            : throw new FormatException($"'{text}' is not a number");

    /// <summary>A name and a value with the first '=' between them.</summary>
    public static (string Name, string Value) Pair(string text)
    {
        int at = text.IndexOf('=');
        return at > 0 ? (text[..at], text[(at + 1)..]) : throw new FormatException($"'{text}' is not NAME=VALUE");
    }

    /// <summary>A name and a value with the last '=' between them, for values that have none, since names of tensors may have some.</summary>
    public static (string Name, string Value) LastPair(string text)
    {
        int at = text.LastIndexOf('=');
        return at > 0 && at < text.Length - 1 ? (text[..at], text[(at + 1)..]) : throw new FormatException($"'{text}' is not NAME=FILE");
    }
}
