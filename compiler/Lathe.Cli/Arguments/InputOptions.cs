using System.CommandLine;
using System.Globalization;
using Lathe.Cli.Models;
using Lathe.Cli.Tensors;

namespace Lathe.Cli.Arguments;

/// <summary>The options that say what goes into an inference.</summary>
internal sealed class InputOptions
{
    private readonly Option<IReadOnlyList<(string Name, string Value)>> _input = Parsed.Many(
        "--input", ["-i"], "NAME=FILE", "An input: .npy, ONNX's .pb, or raw little-endian elements. Inputs not given are filled pseudo-randomly.", Parsed.LastPair);

    private readonly Option<ulong> _seed = Parsed.One<ulong>("--seed", [], "K", "The seed of the fill.", ParseSeed);

    private InputOptions() => _seed.DefaultValueFactory = _ => 1;

    /// <summary>Adds the options to a command.</summary>
    public static InputOptions AddTo(Command command)
    {
        InputOptions options = new();
        command.Add(options._input);
        command.Add(options._seed);
        return options;
    }

    /// <summary>What was asked for.</summary>
    /// <exception cref="UsageException">An input is given twice.</exception>
    public InputSet Read(ParseResult parsed, ModelRequest request)
    {
        Dictionary<string, TensorFile> files = [];
        foreach ((string name, string file) in parsed.GetValue(_input)!)
            if (!files.TryAdd(name, new TensorFile(file))) throw new UsageException($"input '{name}' is given twice");
        // Shapes are the model's: an image whose order was declared has another, and what the compilation made of it.
        bool IsDeclared(string input) => !request.IsCompiled && (request.Options.InputFormats.ContainsKey(input) || request.Options.InputFormats.ContainsKey(""));
        return new InputSet(files, request.Options.Shapes.Where(s => !IsDeclared(s.Key)).ToDictionary(), parsed.GetValue(_seed));
    }

    private static ulong ParseSeed(string text) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong seed) ? seed : throw new FormatException($"'{text}' is not a number of at least 0");
}
