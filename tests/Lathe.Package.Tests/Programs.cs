namespace Lathe.Package.Tests;

/// <summary>What consumers' programs are made of.</summary>
internal static class Programs
{
    /// <summary>The item for the sample model.</summary>
    public const string Item = """<OnnxModel Include="characters.onnx" Class="MyApp.Recognizer" Mean="128" Scale="64" />""";

    /// <summary>Reads the character on A.pgm and prints it with its probability.</summary>
    public const string Reads = """
        using MyApp;

        string folder = args.Length > 0 ? args[0] : ".";
        byte[] image = File.ReadAllBytes(Path.Combine(folder, "A.pgm"))[^1024..];
        using var model = Recognizer.Load();
        using var request = model.CreateRequest();
        for (int i = 0; i < image.Length; i++) request.Image[i] = image[i];
        request.Infer();
        int best = 0;
        for (int i = 0; i < request.Probabilities.Length; i++)
            if (request.Probabilities[i] > request.Probabilities[best]) best = i;
        Console.WriteLine($"{File.ReadAllLines(Path.Combine(folder, "labels.txt"))[best]} {request.Probabilities[best]:F3}");
        """;
}
