namespace Lathe.Package.Tests;

/// <summary>The package under test, and one folder of restored packages for all consumers.</summary>
[SetUpFixture]
public sealed class PackageSetup
{
    /// <summary>The folder for consumers' projects, outside the repository.</summary>
    public static string Folder { get; private set; } = "";

    /// <summary>The version of the package.</summary>
    public static string Version { get; private set; } = "";

    [OneTimeSetUp]
    public void SetUp()
    {
        string? package = Directory.Exists(Places.Packages) ? Directory.GetFiles(Places.Packages, "Lathe.?.*.nupkg").FirstOrDefault() : null;
        Assert.That(package, Is.Not.Null, "there is no package: run ./build.sh Pack first");
        Version = Path.GetFileNameWithoutExtension(package!)["Lathe.".Length..];
        Folder = Directory.CreateTempSubdirectory("lathe-package-").FullName;
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        File.WriteAllText(Path.Combine(Folder, "nuget.config"), $"""
            <configuration>
              <packageSources><add key="lathe-local" value="{Places.Packages}" /></packageSources>
              <fallbackPackageFolders><add key="user" value="{Path.Combine(home, ".nuget", "packages")}" /></fallbackPackageFolders>
            </configuration>
            """);
        File.WriteAllText(Path.Combine(Folder, "Directory.Build.props"), $"""
            <Project>
              <PropertyGroup><RestorePackagesPath>{Path.Combine(Folder, "packages")}</RestorePackagesPath></PropertyGroup>
              <PropertyGroup><InvariantGlobalization>true</InvariantGlobalization></PropertyGroup>
            </Project>
            """);
    }

    [OneTimeTearDown]
    public void TearDown()
    {
        if (Folder.Length > 0) Directory.Delete(Folder, recursive: true);
    }
}
