using System.Globalization;

namespace Lathe.Runtime.Simulation;

/// <summary>Has calls of a simulated accelerator fail, as <see cref="SimulationProfile.Faults"/> says. Safe for concurrent use.</summary>
internal sealed class SimulatedFaults
{
    private static readonly string[] Counted = ["launch", "read", "write", "wait", "lost"];

    private readonly HashSet<string> _always = [];
    private readonly HashSet<(string Call, int Number)> _once = [];
    private readonly Dictionary<string, int> _calls = [];
    private int _lostFrom = int.MaxValue;

    /// <exception cref="FormatException">There is no such fault.</exception>
    public static SimulatedFaults Parse(IReadOnlyList<string> faults)
    {
        SimulatedFaults parsed = new();
        foreach (string fault in faults)
        {
            string[] parts = fault.Split(':');
            int number = 0;
            if (fault is "build" or "allocate") parsed._always.Add(fault);
            else if (parts.Length == 2 && Counted.Contains(parts[0]) && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out number) && number > 0) parsed._once.Add((parts[0], number));
            else throw new FormatException($"There is no fault '{fault}'; there are build, allocate, {string.Join(", ", Counted.Select(call => call + ":N"))}.");
            if (parts[0] == "lost") parsed._lostFrom = Math.Min(parsed._lostFrom, number);
        }

        return parsed;
    }

    /// <summary>How many calls of a kind there were; of <c>lost</c>, of all kinds.</summary>
    public int Calls(string call)
    {
        lock (_calls) return _calls.GetValueOrDefault(call);
    }

    /// <summary>Fails where the call is to.</summary>
    /// <exception cref="LatheException">LATHE0512, LATHE0506 or LATHE0511.</exception>
    public void Call(string call)
    {
        if (call == "build")
        {
            if (_always.Contains(call)) throw new LatheException(ErrorIds.DeviceKernels, "The simulated accelerator does not build the kernels, as it was told to.");
            return;
        }

        lock (_calls)
        {
            int number = _calls[call] = _calls.GetValueOrDefault(call) + 1, all = _calls["lost"] = _calls.GetValueOrDefault("lost") + 1;
            if (all >= _lostFrom) throw new LatheException(ErrorIds.DeviceFailed, "The simulated accelerator is lost, as it was told to.");
            if (_always.Contains(call)) throw new LatheException(ErrorIds.DoesNotFit, "The simulated accelerator has no memory, as it was told to.");
            if (_once.Contains((call, number))) throw new LatheException(ErrorIds.DeviceFailed, $"The simulated accelerator fails at {call} {number}, as it was told to.");
        }
    }
}
