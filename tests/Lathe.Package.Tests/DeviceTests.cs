namespace Lathe.Package.Tests;

/// <summary>Models whose items name devices.</summary>
public sealed class DeviceTests
{
    [Test]
    public void Devices_BringTheAssembliesThatOpenThem_AndOnlyThese()
    {
        Consumer app = App("device", "GPU");
        Assert.That((HasAssembly(app, "OpenCl"), HasAssembly(app, "Simulation")), Is.EqualTo((true, false)));
        // Any driver will do; without one the program says so, which is another test.
        if (Directory.Exists("/etc/OpenCL/vendors") && Directory.GetFiles("/etc/OpenCL/vendors", "*.icd").Length > 0) Assert.That(app.Run(arguments: app.Folder), Does.StartWith("A "));
        Consumer several = App("devices", "HETERO:SIM,CPU");
        Assert.That((HasAssembly(several, "OpenCl"), HasAssembly(several, "Simulation")), Is.EqualTo((false, true)));
        Assert.That(several.Run(arguments: several.Folder), Does.StartWith("A "));
    }

    [Test]
    public void Rules_AreInputsOfTheBuild()
    {
        Consumer app = new Consumer("devices-by-rules").WithCharacters()
            .Project("""<OnnxModel Include="characters.onnx" Class="MyApp.Recognizer" Mean="128" Scale="64" Device="HETERO:SIM,CPU" Affinity="rules.txt" DeviceFallback="off" RequireDevice="true" />""")
            .Write("rules.txt", "/./ = SIM\n").Write("Program.cs", Programs.Reads);
        app.Build();
        Assert.That(app.Run(arguments: app.Folder), Does.StartWith("A "));
        app.Write("rules.txt", "nothing = SIM\n");
        Assert.That(app.TryBuild().Problems, Has.Some.Contains("LATHE0231"));
    }

    private static Consumer App(string name, string device)
    {
        Consumer app = new Consumer(name).WithCharacters()
            .Project($"""<OnnxModel Include="characters.onnx" Class="MyApp.Recognizer" Mean="128" Scale="64" Device="{device}" />""").Write("Program.cs", Programs.Reads);
        app.Build();
        return app;
    }

    private static bool HasAssembly(Consumer app, string name) => File.Exists(app[$"bin/Debug/net10.0/Lathe.Runtime.{name}.dll"]);
}
