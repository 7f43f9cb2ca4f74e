namespace Lathe.Cli.Tests;

/// <summary>Gives the tests a cache of their own.</summary>
[SetUpFixture]
public sealed class CacheSetUp
{
    private const string Variable = "LATHE_CACHE";

    private TemporaryFolder? _folder;

    [OneTimeSetUp]
    public void Set()
    {
        _folder = new TemporaryFolder();
        Environment.SetEnvironmentVariable(Variable, _folder.Path);
    }

    [OneTimeTearDown]
    public void Remove()
    {
        Environment.SetEnvironmentVariable(Variable, null);
        _folder?.Dispose();
    }
}
